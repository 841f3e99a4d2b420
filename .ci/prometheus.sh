# Finds Prometheus and promtool, or fetches them into .tools/. Sourced by `dev`.

# The fallback for systems without apt-get; where there is one, the distribution's own package is used.
readonly PROMETHEUS_VERSION=3.5.0

runs() { "$1" --version >/dev/null 2>&1; }

# Sets PROMETHEUS, beside which promtool lies; `none` leaves out what needs them.
setup_prometheus() {
    if [ "${PROMETHEUS:-}" = none ]; then
        say "no Prometheus, as \$PROMETHEUS says: the tests and checks that need one are left out"
        return
    elif [ -n "${PROMETHEUS:-}" ]; then
        runs "$PROMETHEUS" && runs "$(promtool)" \
            || fail "\$PROMETHEUS is \`$PROMETHEUS\`, which does not run, or has no promtool beside it; unset it or point it elsewhere"
    elif has prometheus && runs "$(dirname "$(command -v prometheus)")/promtool"; then
        PROMETHEUS=$(command -v prometheus)
    else
        PROMETHEUS="$TOOLS/bin/prometheus"
        { runs "$PROMETHEUS" && runs "$(promtool)"; } || fetch_prometheus \
            || fail "found no way to get Prometheus: install it (https://prometheus.io/download) and put it and promtool on PATH, or set PROMETHEUS=none to leave out what needs it"
    fi
    export PROMETHEUS
}

promtool() { printf '%s/promtool' "$(dirname "$PROMETHEUS")"; }

fetch_prometheus() {
    mkdir -p "$TOOLS/bin"
    local scratch found=0
    scratch=$(mktemp -d "$TOOLS/fetch.XXXXXX")
    fetch_prometheus_debian || fetch_prometheus_archive || fetch_prometheus_brew || found=$?
    rm -rf "$scratch"
    return "$found"
}

install_prometheus() {
    local program
    for program in prometheus promtool; do
        chmod +x "$1/$program" && runs "$1/$program" && mv -f "$1/$program" "$TOOLS/bin/$program" || return 1
    done
}

# apt-get checks the package against the signature of the distribution. Nothing is installed, so root is not needed; the
# lists are kept apart, since those of the system may be old or missing, and only root may renew them.
fetch_prometheus_debian() {
    has apt-get && has dpkg-deb || return 1
    say "fetching Prometheus: the distribution's package prometheus, by apt-get download, into .tools/bin"
    mkdir -p "$scratch/lists/partial" "$scratch/cache/archives/partial" "$scratch/root"
    local apt=(apt-get -qq -o "Dir::State::lists=$scratch/lists" -o "Dir::Cache=$scratch/cache" -o "APT::Sandbox::User=")
    (
        cd "$scratch"
        "${apt[@]}" update && "${apt[@]}" download prometheus || exit 1
        # Later distributions have promtool in a package of its own.
        "${apt[@]}" download promtool 2>/dev/null || true
        for package in *.deb; do dpkg-deb --extract "$package" root; done
    ) >&2 || return 1
    install_prometheus "$scratch/root/usr/bin"
}

# Trusts the checksum file of the release itself, as for nats-server.
fetch_prometheus_archive() {
    has curl && has tar || return 1
    local system machine release base
    case "$(uname -s)" in Linux) system=linux ;; Darwin) system=darwin ;; *) return 1 ;; esac
    case "$(uname -m)" in x86_64 | amd64) machine=amd64 ;; aarch64 | arm64) machine=arm64 ;; *) return 1 ;; esac
    release="https://github.com/prometheus/prometheus/releases/download/v$PROMETHEUS_VERSION"
    base="prometheus-$PROMETHEUS_VERSION.$system-$machine"
    say "fetching Prometheus $PROMETHEUS_VERSION: $release/$base.tar.gz, checked against the release's sha256sums.txt, into .tools/bin"
    curl --fail --silent --show-error --location --proto '=https' --connect-timeout 15 \
        --output "$scratch/$base.tar.gz" "$release/$base.tar.gz" \
        --output "$scratch/sha256sums.txt" "$release/sha256sums.txt" || return 1
    grep -q "^$(sha256 "$scratch/$base.tar.gz")  $base.tar.gz\$" "$scratch/sha256sums.txt" \
        || { say "the archive does not have the checksum of its release"; return 1; }
    tar -xzf "$scratch/$base.tar.gz" -C "$scratch" && install_prometheus "$scratch/$base"
}

fetch_prometheus_brew() {
    has brew || return 1
    say "fetching Prometheus: brew install prometheus"
    brew install prometheus >&2 || return 1
    PROMETHEUS="$(brew --prefix prometheus)/bin/prometheus"
    runs "$PROMETHEUS"
}
