"""The composition root: `respool dev | serve | work | db | keys`.

It imports the other folders; nobody imports it.
"""
