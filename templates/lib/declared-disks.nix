# What a machine declares of its disks, from machine.json or the same values of its options: the modules render these
# values, and a test compares a running machine with them. It needs no Nixpkgs:
#
#   nix-instantiate --eval --strict --json --expr \
#     'import ./declared-disks.nix { machine = builtins.fromJSON (builtins.readFile ./machine.json); }'
{ machine }:
let
  thinPool = machine.thinPool or null;
  swap = machine.settings.storage.swap or { };
  # A golden machine leaves its data alone.
  isGolden = builtins.elem "golden" (machine.roles or [ ]);
  isSystem = entry: builtins.elem entry.mountPoint (import ./system-mount-points.nix);
  mounted = if isGolden then builtins.filter isSystem machine.fileSystems else machine.fileSystems;
  lvm =
    if thinPool == null then
      null
    else
      builtins.mapAttrs (name: default: thinPool.${name} or default) (import ./thin-pool-defaults.nix);
in
{
  # By mount point, as the option `fileSystems` of NixOS takes them.
  fileSystems = builtins.listToAttrs (
    map (entry: {
      name = entry.mountPoint;
      value = {
        inherit (entry) device;
        fsType = entry.type;
        options = if entry.options or [ ] == [ ] then [ "defaults" ] else entry.options;
      };
    }) mounted
  );

  # As the option `swapDevices` takes them.
  swapDevices =
    if swap.kind or "none" == "partition" && swap.device or null != null then
      [
        {
          inherit (swap) device;
          randomEncryption.enable = true;
        }
      ]
    else
      [ ];

  # The volume group and its thin pool; null where there is none.
  inherit lvm;

  # What is added to lvm.conf for it.
  lvmConfiguration =
    if lvm == null then
      ""
    else
      ''
        activation/thin_pool_autoextend_threshold = ${toString lvm.autoextendThreshold}
        activation/thin_pool_autoextend_percent = ${toString lvm.autoextendPercent}
      '';
}
