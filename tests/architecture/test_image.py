"""The image is made by the same steps as a developer's environment, and does not run as root."""

from __future__ import annotations

import re

from tests.architecture.tree import PACKAGES, ROOT, read


def test_image_installs_by_the_steps_of_the_makefile() -> None:
    dockerfile = re.findall(r"^RUN (\.venv/bin/pip install .+)$", read("Dockerfile"), re.MULTILINE)

    base = read("Makefile").partition(".venv/.base:")[2].partition("\n\n")[0]
    makefile = re.findall(r"^\t(\.venv/bin/pip install .+)$", base, re.MULTILINE)

    assert dockerfile == makefile
    assert len(dockerfile) == 2


def test_image_does_not_run_as_root() -> None:
    users = re.findall(r"^USER (\S+)$", read("Dockerfile"), re.MULTILINE)

    assert users, "no USER: the image would run as root"
    assert users[-1].partition(":")[0] not in {"root", "0"}


def test_image_holds_every_package() -> None:
    copied = set(re.findall(r"^COPY (\w+) \1$", read("Dockerfile"), re.MULTILINE))

    assert copied == set(PACKAGES)


def test_image_copies_nothing_that_the_ignore_file_keeps_out() -> None:
    sources = {
        source
        for line in re.findall(r"^COPY (.+)$", read("Dockerfile"), re.MULTILINE)
        for source in line.split()[:-1]
    }

    admitted = {line[1:] for line in read(".dockerignore").splitlines() if line.startswith("!")}

    assert sources == admitted
    assert [source for source in sorted(sources) if not (ROOT / source).exists()] == []
