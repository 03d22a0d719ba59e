# Whether a system has exactly the file systems, swap and pool that lib/declared-disks.nix reads from its machine.json.
{ lib }:
machine: config:
let
  declared = import ../lib/declared-disks.nix { inherit machine; };
  # What NixOS adds by itself to what is mounted before the system starts.
  rendered =
    mountPoint:
    let
      entry = config.fileSystems.${mountPoint};
    in
    {
      inherit (entry) device fsType;
      options = lib.remove "x-initrd.mount" entry.options;
    };
  swapDevices = map (swap: {
    inherit (swap) device;
    randomEncryption = { inherit (swap.randomEncryption) enable; };
  }) config.swapDevices;
  configuration = config.environment.etc."lvm/lvm.conf".text;
  # One line for each value: another one further down would win.
  autoextend = lib.filter (lib.hasInfix "thin_pool_autoextend") (lib.splitString "\n" configuration);
  grows = config.services.lvm.boot.thin.enable && config.services.lvm.dmeventd.enable;
in
map (mountPoint: "${mountPoint} is mounted") (
  lib.intersectLists (builtins.attrNames config.fileSystems) (
    lib.subtractLists (builtins.attrNames declared.fileSystems) (
      map (entry: entry.mountPoint) machine.fileSystems
    )
  )
)
++ lib.concatMap (
  mountPoint:
  lib.optional (rendered mountPoint != declared.fileSystems.${mountPoint})
    "${mountPoint} is ${builtins.toJSON (rendered mountPoint)} and not ${builtins.toJSON declared.fileSystems.${mountPoint}}"
) (builtins.attrNames declared.fileSystems)
++ lib.optional (swapDevices != declared.swapDevices) "swap is on ${builtins.toJSON swapDevices}"
++ lib.optional (lib.concatMapStrings (line: line + "\n") autoextend != declared.lvmConfiguration)
  "lvm.conf has ${builtins.toJSON autoextend}"
++ lib.optional (declared.lvm != null && !grows) "nothing extends the thin pool"
