# Checks what ships under deploy/, offline. Sourced by `dev`, which has its tools in place.

readonly KUBERNETES_VERSION=1.34

lint_deploy() {
    step "deploy/: YAML, Dockerfile, compose"
    silent_if_well "$TOOLS/python/bin/yamllint" --strict --config-file .ci/yamllint.yaml deploy
    silent_if_well "$TOOLS/python/bin/hadolint" deploy/Dockerfile
    silent_if_well python3 -m check_jsonschema --builtin-schema vendor.compose-spec deploy/compose.yaml
    lint_kubernetes
    lint_keda
    lint_prometheus
    lint_grafana
    lint_nats
    lint_systemd
}

# The overlay is what is applied; without kubectl it cannot be put together, and the base is checked alone.
lint_kubernetes() {
    step "deploy/: Kubernetes"
    local scratch
    scratch=$(mktemp -d)
    if has kubectl && kubectl kustomize deploy/kubernetes/overlays/production >"$scratch/all.yaml" 2>/dev/null; then
        split_documents "$scratch/all.yaml" "$scratch"
    else
        say "no kubectl: the overlay is not put together, its base is checked alone"
        cp deploy/kubernetes/base/[!k]*.yaml "$scratch/"
    fi
    # KEDA's kind is none of Kubernetes' own, and has no schema there: see below.
    rm -f "$scratch/all.yaml" "$scratch"/ScaledObject-*
    silent_if_well python3 -m kubernetes_validate --strict --quiet -k "$KUBERNETES_VERSION" "$scratch"/*.yaml
    rm -rf "$scratch"
}

# By the keys that KEDA documents, and what KEDA makes of it by Kubernetes' own schema.
lint_keda() {
    step "deploy/: KEDA"
    local overlay=deploy/kubernetes/overlays/production scratch
    scratch=$(mktemp -d)
    silent_if_well python3 -m check_jsonschema --schemafile .ci/keda-scaled-object.schema.json "$overlay/scaling.yaml"
    python3 .ci/keda.py "$overlay/scaling.yaml" "$overlay/deployment.yaml" >"$scratch/autoscaler.yaml" \
        || fail "the ScaledObject and what it scales do not fit"
    silent_if_well python3 -m kubernetes_validate --strict --quiet -k "$KUBERNETES_VERSION" "$scratch/autoscaler.yaml"
    rm -rf "$scratch"
}

split_documents() {
    python3 - "$1" "$2" <<'PYTHON'
import pathlib, sys, yaml

for document in yaml.safe_load_all(pathlib.Path(sys.argv[1]).read_text()):
    name = f"{document['kind']}-{document['metadata']['name']}.yaml"
    pathlib.Path(sys.argv[2], name).write_text(yaml.safe_dump(document))
PYTHON
}

lint_prometheus() {
    [ "$PROMETHEUS" = none ] && return
    step "deploy/: Prometheus"
    silent_if_well "$(promtool)" check config deploy/prometheus/prometheus.yml
    silent_if_well "$(promtool)" test rules deploy/prometheus/rules/tidegate.test.yml
    # What `tidegate alerts rules` writes, as a test holds it.
    silent_if_well "$(promtool)" check rules runtime/src/cli/alerts/rules/shop.yml
}

lint_grafana() {
    step "deploy/: Grafana"
    silent_if_well python3 .ci/dashboards.py deploy/grafana/dashboards
}

# With certificates of the moment in the place of those that it names.
lint_nats() {
    step "deploy/: nats.conf"
    has openssl || { say "no openssl: nats.conf is not checked"; return; }
    local scratch
    scratch=$(mktemp -d)
    cp deploy/nats/*.conf "$scratch/"
    sed -i.old "s#/etc/nats#$scratch#g" "$scratch/nats.conf"
    silent_if_well openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=nats \
        -keyout "$scratch/server.key" -out "$scratch/server.crt"
    cp "$scratch/server.crt" "$scratch/ca.crt"
    SERVER_NAME=a TIDEGATE_PASSWORD=a ORDERS_PASSWORD=b OPERATOR_PASSWORD=c SYS_PASSWORD=d \
        silent_if_well "$NATS_SERVER" -t -c "$scratch/nats.conf"
    rm -rf "$scratch"
}

lint_systemd() {
    has systemd-analyze || { say "no systemd-analyze: the unit is not checked"; return; }
    step "deploy/: systemd"
    local scratch
    scratch=$(mktemp -d)
    # The program is not installed here.
    sed 's#^ExecStart=[^ ]*#ExecStart=/bin/true#' deploy/systemd/tidegate.service >"$scratch/tidegate.service"
    # It ends well with a key that it does not know, and warns of other units of this machine.
    systemd-analyze verify "$scratch/tidegate.service" 2>&1 | grep -F "tidegate.service" >"$scratch/warnings" \
        && fail "deploy/systemd/tidegate.service: $(cat "$scratch/warnings")"
    # Before version 250 it needs a running systemd. Any unit is below 100.
    if systemd-analyze security --offline=yes --threshold=100 "$scratch/tidegate.service" >/dev/null 2>&1; then
        silent_if_well systemd-analyze security --offline=yes --threshold=20 "$scratch/tidegate.service"
    else
        say "systemd-analyze is too old: how hardened the unit is, is not checked"
    fi
    rm -rf "$scratch"
}
