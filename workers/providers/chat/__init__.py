"""Chat Completions and the Responses API, each in terms of the other. PURE."""
