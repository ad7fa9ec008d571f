"""Banners and texts that staff offer and referrers use, with what each brought."""
