"""Browser tests of the tour, on the real stack: web, worker, shop and Valkey as ``make run`` starts them."""
