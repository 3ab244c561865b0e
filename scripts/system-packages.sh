#!/bin/sh
# Installs what pip cannot: "report" what WeasyPrint draws with, "test" also the browser that opens the pages.
# Does nothing, quickly, where it is there already; where it cannot install, says what to install and goes on.
set -eu

wanted=""
want() { case " $wanted " in *" $1 "*) ;; *) wanted="$wanted $1" ;; esac; }

has_library() {
    # The loader's cache on Linux, Homebrew's folders on a Mac.
    { ldconfig -p || /sbin/ldconfig -p || ls /opt/homebrew/lib /usr/local/lib; } 2>/dev/null | grep -q "$1"
}

install_debian() {
    as_root=""
    if [ "$(id -u)" -ne 0 ]; then
        sudo -n true 2>/dev/null || return 1
        as_root="sudo -n"
    fi
    export DEBIAN_FRONTEND=noninteractive
    # The package lists may be absent or old: fetch them only when the first try fails.
    # shellcheck disable=SC2086
    $as_root apt-get install -y --no-install-recommends $wanted >/dev/null 2>&1 || {
        $as_root apt-get update >/dev/null && $as_root apt-get install -y --no-install-recommends $wanted >/dev/null
    }
}

if command -v apt-get >/dev/null 2>&1; then
    has_library libpango-1.0 || want libpango-1.0-0
    has_library libpangoft2-1.0 || want libpangoft2-1.0-0
    has_library libharfbuzz-subset || want libharfbuzz-subset0
    if [ "${1:-report}" = test ]; then
        command -v chromium >/dev/null 2>&1 || command -v google-chrome >/dev/null 2>&1 || want chromium
    fi
    install="install_debian"
elif command -v brew >/dev/null 2>&1; then
    has_library libpango-1.0 || want pango
    install="brew install --quiet $wanted"
else
    has_library libpango-1.0 || want pango
    install="false"
fi

[ -z "$wanted" ] && exit 0
echo "Installing system packages:$wanted" >&2
$install || echo "Unable to install them here: please install$wanted with your system's package manager." >&2
