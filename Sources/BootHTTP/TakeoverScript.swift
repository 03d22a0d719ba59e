/// The shell script for a rescue shell. It is public and holds no secret; the line that the operator pastes checks it.
public enum TakeoverScript {
  /// - Parameters:
  ///   - appliance: `http://192.0.2.1:8080`
  ///   - agentDigest: SHA-256 of the agent, hexadecimal.
  public static func text(appliance: String, agentDigest: String) -> String {
    """
    #!/bin/sh
    # Bootstead: hands this machine over to the appliance at \(appliance).
    # Nothing is written to a disk: the agent and the installer are kept in memory. The token comes in BOOTSTEAD_TOKEN, or
    # is asked for on the terminal.
    set -eu
    appliance='\(appliance)'
    digest='\(agentDigest)'
    folder=/run/bootstead-takeover
    fail() { echo "bootstead: $*" >&2; exit 1; }
    [ "$(id -u)" = 0 ] || fail "this has to run as root: put sudo before sh"
    [ "$(uname -m)" = x86_64 ] || fail "this machine is $(uname -m); there is an installer for x86_64 only"
    token=${BOOTSTEAD_TOKEN:-}
    unset BOOTSTEAD_TOKEN
    if [ -z "$token" ] && [ -r /dev/tty ]; then
      printf 'take-over token: ' >/dev/tty
      stty -echo </dev/tty
      read -r token </dev/tty || token=
      stty echo </dev/tty
      echo >/dev/tty
    fi
    [ -n "$token" ] || fail "no token: 'bootstead kexec --token --name NAME' on the appliance prints the line to paste"
    mkdir -p "$folder"
    grep -q " $folder " /proc/mounts || mount -t tmpfs -o mode=0700,size=128m bootstead "$folder" ||
      fail "no memory-backed folder can be made at $folder"
    trap 'umount -l "$folder" 2>/dev/null || :' EXIT
    if command -v curl >/dev/null 2>&1; then
      curl -fsS -o "$folder/bootstead-agent" "$appliance/takeover/agent"
    elif command -v wget >/dev/null 2>&1; then
      wget -q -O "$folder/bootstead-agent" "$appliance/takeover/agent"
    else
      fail "neither curl nor wget is here"
    fi
    found=$(sha256sum "$folder/bootstead-agent" | cut -d' ' -f1)
    [ "$found" = "$digest" ] || fail "the agent is not the expected one: expected SHA-256 $digest, found $found"
    chmod 0700 "$folder/bootstead-agent"
    printf '%s\\n' "$token" | "$folder/bootstead-agent" takeover start --appliance "$appliance" "$@"

    """
  }
}
