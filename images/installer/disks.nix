# Nothing on a disk comes up by itself: no volume group, no pool, no array, no swap, no hibernated system. Whatever is done
# to disks is done by the agent.
{
  lib,
  pkgs,
  ...
}:
let
  thin = pkgs.thin-provisioning-tools;
in
{
  boot.supportedFilesystems = {
    zfs = lib.mkForce false;
    xfs = true;
    vfat = true;
  };
  boot.swraid.enable = lib.mkForce false;
  boot.bcache.enable = lib.mkForce false;
  services.multipath.enable = lib.mkForce false;
  swapDevices = lib.mkForce [ ];
  services.udisks2.enable = lib.mkForce false;

  # LVM's tools and udev rules, without the rule's effect: see lvm.conf.
  services.lvm.enable = true;
  services.lvm.boot.thin.enable = lib.mkForce false;
  services.lvm.dmeventd.enable = lib.mkForce false;
  boot.initrd.services.lvm.enable = lib.mkForce false;
  environment.etc."lvm/lvm.conf".text = lib.mkAfter (
    # The micro-installer's own, so that both activate the same: nothing.
    builtins.readFile ../micro-installer/lvm.conf
    + lib.concatMapStrings (program: "global/${program}_executable = \"${thin}/bin/${program}\"\n") [
      "thin_check"
      "thin_dump"
      "thin_repair"
    ]
  );
  systemd.tmpfiles.rules = [ "d /run/lock/lvm 0700 root root - -" ];

  # A machine that was hibernated would be woken from its swap partition otherwise.
  boot.initrd.systemd.suppressedUnits = [
    "systemd-hibernate-resume.service"
    "systemd-hibernate-clear.service"
  ];
  systemd.suppressedSystemUnits = [ "systemd-hibernate-clear.service" ];
  # Mounts and swaps that stand in partition tables.
  systemd.generators.systemd-gpt-auto-generator = "/dev/null";

  boot.kernelModules = [
    "dm_mod"
    "dm_thin_pool"
    "dm_snapshot"
    "loop"
    "ext4"
    "xfs"
    "vfat"
    "nls_cp437"
    "nls_ascii"
    "8021q"
    "bonding"
  ];
}
