# Every role alone, on both systems, and the combinations that people have.
{
  lib,
  base,
  knownRoles,
  ...
}:
let
  systems = [
    "x86_64-linux"
    "aarch64-linux"
  ];
  # What a role has no default for.
  needed = {
    gpu-worker.vendor = "nvidia";
    idp.host = "id.example.com";
    k3s-agent.join = "https://192.0.2.30:6443";
    k3s-server.join = "https://192.0.2.30:6443";
    provisioner = {
      interfaces = [ "enp1s0" ];
      program = "/opt/bootstead/bootstead";
    };
  };
  machine =
    roles:
    base.thin
    // {
      inherit roles;
      settings.roles = lib.filterAttrs (role: _: builtins.elem role roles) needed;
    };
  combinations = [
    [ "base-hardened" "docker-host" ]
    [ "base-hardened" "podman-host" ]
    [ "base-hardened" "docker-host" "nas" ]
    [ "base-hardened" "docker-host" "nas" "gpu-worker" ]
    [ "base-hardened" "docker-host" "idp" ]
    [ "base-hardened" "docker-host" "dns" ]
    [ "base-hardened" "photos-host" "gpu-worker" ]
    [ "base-hardened" "hypervisor" ]
    [ "base-hardened" "hypervisor" "nas" ]
    [ "base-hardened" "nas" "backup-target" ]
    [ "base-hardened" "backup-target" "dns" ]
    [ "base-hardened" "k3s-server-init" "gpu-worker" ]
    [ "base-hardened" "k3s-agent" "gpu-worker" ]
    [ "base-hardened" "provisioner" ]
    [ "base-hardened" "docker-host" "dns" "provisioner" ]
    [ "base-hardened" "golden" ]
  ];
  known = builtins.filter (roles: lib.subtractLists knownRoles roles == [ ]) combinations;
in
lib.listToAttrs (
  lib.concatMap (
    system:
    map (role: {
      name = "role/${role}/${system}";
      value.machine = base.onSystem system (machine [ role ]);
    }) knownRoles
  ) systems
  ++ map (roles: {
    name = "roles/${lib.concatStringsSep "+" roles}";
    value.machine = machine roles;
  }) known
)
