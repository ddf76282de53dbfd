"""How a Response comes together from an upstream's events; `workers.assembler` is the door."""
