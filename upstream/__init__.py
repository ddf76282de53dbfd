"""The scripted upstream: a real HTTP server with a deterministic model.

The demo, the tests and the benchmark run against it. It speaks the Responses API, Chat Completions
and Messages, keeps a ledger of every generation it was asked for, and fails in any way it is told
to. Run it with `python -m upstream`; start it from Python with `upstream.launch.start`.
"""
