# Snapshots of the virtual machines that this machine runs with libvirt.
{ config, lib, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.bootstead.backup.vm-image;
in
{
  options.bootstead.backup.vm-image = {
    enable = lib.mkEnableOption "snapshots of virtual machines";
    machines = mkOption {
      type = types.nonEmptyListOf types.str;
      example = [ "services" ];
      description = "The virtual machines, as libvirt calls them.";
    };
    schedule = mkOption {
      type = types.str;
      default = "02:00";
      description = "When, as systemd writes calendar times.";
    };
    keep = mkOption {
      type = types.ints.positive;
      default = 3;
      description = "How many snapshots of each stay.";
    };
  };

  config = lib.mkIf cfg.enable {
    assertions = [
      {
        assertion = config.virtualisation.libvirtd.enable;
        message = "bootstead.backup.vm-image: this machine runs no libvirt; add the role hypervisor.";
      }
    ];
    bootstead.roles.hypervisor.autoSnapshot = {
      enable = true;
      inherit (cfg) keep;
    };
    services.libvirtd.autoSnapshot = {
      calendar = cfg.schedule;
      vms = cfg.machines;
    };
  };
}
