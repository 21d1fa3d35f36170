#!/bin/sh
# Print the path of a Helm: the one of the PATH, else one built from its Go module. Usage: get_helm.sh DIR
set -eu
version=v4.3.1
if found=$(command -v helm); then
    echo "$found"
    exit 0
fi
mkdir -p "$1"
directory=$(cd "$1" && pwd)
if [ ! -x "$directory/helm" ]; then
    command -v go >/dev/null 2>&1 || {
        echo "get_helm: needs helm in the PATH, or Go to build it" >&2
        exit 1
    }
    echo "get_helm: building Helm $version (first time only)" >&2
    scratch=$(mktemp -d)
    (
        cd "$scratch"
        printf 'module helm\n\ngo 1.26\n' >go.mod
        GOBIN="$directory" GOFLAGS=-mod=mod go install "helm.sh/helm/v4/cmd/helm@$version" >&2
    )
    rm -rf "$scratch"
fi
echo "$directory/helm"
