# Installs the Debian packages that are its arguments, and leaves their services neither running nor enabled.
set -eu
export DEBIAN_FRONTEND=noninteractive

# Debian asks this file before a package starts a service: 101 forbids it.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi

apt-get -o Acquire::Retries=3 update
apt-get -o Acquire::Retries=3 -o DPkg::Lock::Timeout=120 install -y --no-install-recommends "$@"

# Nor at the next start of the machine: until now these services were not there, so nobody wants them.
# Those of postgresql are in postgresql-common. Templates, with an @, start nothing by themselves.
if command -v systemctl >/dev/null; then
    dpkg --listfiles "$@" $(printf '%s-common ' "$@") 2>/dev/null | sed -n 's|.*/systemd/system/\([^/@]*\.service\)$|\1|p' | while read -r service; do
        systemctl --quiet disable "$service"
    done
fi
