#!/bin/sh
# Writes the requirements files from pyproject.toml: exact versions with hashes, for all platforms, naming no registry.
set -eu
cd "$(dirname "$0")/.."
compile() {
    .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
        --no-emit-index-url "$@"
}
compile pyproject.toml -o requirements/runtime.txt
compile -c requirements/runtime.txt pyproject.toml --extra gunicorn -o requirements/gunicorn.txt
compile -c requirements/runtime.txt pyproject.toml --extra oidc -o requirements/oidc.txt
compile -c requirements/runtime.txt --group build -o requirements/build.txt
compile -c requirements/runtime.txt pyproject.toml --group build --group dev -o requirements/dev.txt
