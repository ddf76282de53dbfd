"""Assertions outside of test files tell what they compared, too."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("tests.clients.http_lines", "tests.clients.socket_lines")
