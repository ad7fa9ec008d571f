"""What a merchant's own site shows of us: its looks, who may frame it, who is handed over."""
