#!/bin/sh
# Run a command beside a cluster that has the Gateway API and our image. Usage: cluster.sh COMMAND...
#
# With KUBECONFIG set: that cluster, whose addresses have to be reachable from here, and IMAGE
# names an image that its nodes can have. Else the lab in the directory LAB: it is brought up,
# is given the API's definitions and an image of this tree, and the command runs in its network.
# The command finds KUBECONFIG and IMAGE set. From the lab's network nothing can be fetched: what
# needs that is given as PREPARE, a command that is run before, beside the lab that is up.
set -eu
venv=${VENV:-.venv}

if [ -n "${KUBECONFIG:-}" ]; then
    if [ -z "${IMAGE:-}" ]; then
        echo "cluster: KUBECONFIG is set, IMAGE is not: name an image of this tree that the nodes" \
            "can have (see Containerfile), as in IMAGE=registry.example/fairlead:dev make ..." >&2
        exit 1
    fi
    export KUBECONFIG IMAGE
    exec "$@"
fi

lab=${LAB:-../shared/lab}/lab
if [ ! -x "$lab" ]; then
    echo "cluster: there is no cluster: set KUBECONFIG and IMAGE, or LAB to the lab's directory" >&2
    exit 1
fi

"$lab" exec -- true 2>/dev/null || "$lab" up >&2
# Else each route that comes or goes moves open connections from here to the other node, which resets
# them: no load balancer does that.
"$lab" exec -- sysctl -qw net.ipv4.fib_multipath_hash_policy=0
"$lab" exec -- kubectl get crd/gateways.gateway.networking.k8s.io >/dev/null 2>&1 || {
    "$lab" exec -- kubectl delete namespace smoke --ignore-not-found >/dev/null
    "${lab%/lab}/smoke" >&2
}

if [ -z "${IMAGE:-}" ]; then
    archive=.cache/image/cluster.tar
    "$venv/bin/python" -m image -o "$archive" >&2
    digest=$(sha256sum "$archive" | cut -c -12)
    IMAGE=fairlead:dev-$digest
    loaded=.cache/image/loaded-$("$lab" exec -- kubectl get namespace kube-system -o 'jsonpath={.metadata.uid}')
    if ! grep -qsx "$IMAGE" "$loaded"; then
        "$lab" load-image "$IMAGE" "$archive" >&2
        echo "$IMAGE" >>"$loaded"
    fi
fi
NEXT_IMAGE=${NEXT_IMAGE:-fairlead:dev} # the archive's own name: the same image, for upgrades
export IMAGE NEXT_IMAGE
[ -z "${PREPARE:-}" ] || sh -c "$PREPARE" >&2
exec "$lab" exec -- "$@"
