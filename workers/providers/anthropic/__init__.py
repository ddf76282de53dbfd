"""Anthropic's Messages: our items and events in its words, and its answers in ours. All of it is PURE."""
