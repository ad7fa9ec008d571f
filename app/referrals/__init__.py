"""Programmes, products, rates, links, clicks, signups, orders, commissions and refunds."""
