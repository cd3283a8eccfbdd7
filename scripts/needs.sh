# Sourced by the scripts beside it: installs Debian packages, but only those that are missing.

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

wanted=()

# need PACKAGE CHECK...: PACKAGE is wanted unless the command CHECK succeeds.
need() {
    local package=$1
    shift
    "$@" >/dev/null 2>&1 || wanted+=("$package")
}

# Perl with its core modules and make build OpenSSL from the sources in the vendored crate.
need_openssl_build() {
    need perl perl -MFindBin -MIPC::Cmd -MFile::Compare -MTime::Piece -e 1
    need make command -v make
}

# Installs what need() found missing.
install_wanted() {
    [ ${#wanted[@]} -eq 0 ] && return 0
    if ! command -v apt-get >/dev/null; then
        echo "Please install: ${wanted[*]}" >&2
        return 1
    fi
    local as_root=()
    [ "$(id -u)" -eq 0 ] || as_root=(sudo)
    echo "Installing ${wanted[*]}" >&2
    "${as_root[@]}" apt-get update -qq &&
        DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${wanted[@]}" >&2
}
