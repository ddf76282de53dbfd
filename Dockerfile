# One image for every role: `respool serve` (the default), `respool work`, `respool db migrate`.
FROM python:3.12-slim

ENV PATH=/app/.venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1

RUN useradd --system --uid 10001 --home-dir /app --shell /usr/sbin/nologin respool
WORKDIR /app

# The steps of the Makefile's .venv/.base; the packages come first, so that they stay in the cache.
COPY requirements/base.txt requirements/base.txt
RUN python3 -m venv .venv
RUN .venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/base.txt

COPY pyproject.toml README.md LICENSE ./
COPY api api
COPY cli cli
COPY shared shared
COPY upstream upstream
COPY workers workers
RUN .venv/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .

# A volume mounted here belongs to its user.
RUN mkdir /spool && chown 10001:10001 /spool

USER 10001:10001
EXPOSE 8000
ENTRYPOINT ["respool"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]
