# One volume group with a thin pool, behind the system or on a disk of its own: what the installer makes.
{ config, lib, ... }:
let
  inherit (config.bootstead.storage) thinPool;
in
{
  config = lib.mkIf (thinPool != null) {
    assertions = [
      {
        assertion = config.bootstead.storage.layout != "os-only";
        message = "bootstead.storage.layout: \"os-only\" has no thin pool, and bootstead.storage.thinPool is set.";
      }
    ];
    services.lvm = {
      enable = true;
      # The pool's tools belong into the initrd: without them no thin volume is activated.
      boot.thin.enable = true;
      # Grows the pool before it is full.
      dmeventd.enable = true;
    };
    environment.etc."lvm/lvm.conf".text = config.bootstead.storage.declared.lvmConfiguration;
  };
}
