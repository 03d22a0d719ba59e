# The whole disk is one file system, ext4, xfs or btrfs, and the data lies on it.
{ config, lib, ... }:
let
  cfg = config.bootstead.storage;
in
{
  config = lib.mkIf (cfg.layout == "single" || cfg.layout == "os-only") {
    assertions = [
      {
        assertion = cfg.thinPool == null;
        message = "bootstead.storage.layout: \"${cfg.layout}\" has no thin pool; take bootstead.storage.thinPool out.";
      }
    ];
    # A file system alone cannot be snapshotted; what the disk can do itself is not left out.
    services.fstrim.enable = lib.mkDefault true;
  };
}
