# The system that a node starts from when it has none of its own yet: one closure for all machines of a processor. It
# reaches its appliance, and gets its own system from there.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.bootstead.base;
  isX86 = pkgs.stdenv.hostPlatform.isx86;
in
{
  imports = [ ../agent.nix ];

  options.bootstead.base = {
    bootDisk = mkOption {
      type = types.nullOr (types.strMatching "/dev/disk/by-(id|path)/[^/ ]+");
      default = null;
      example = "/dev/disk/by-id/ata-EXAMPLE_SSD_S1234567";
      description = ''
        The system disk, for machines that start by BIOS: GRUB's own sectors are on it, so that a closure is for one disk's
        name. Null: the system starts by UEFI, from whatever disk it is on.
      '';
    };

    authorizedKeys = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExample admin@laptop" ];
      description = "Public SSH keys that root is reached by, until the machine has its own system.";
    };
  };

  config = {
    # The layout's labels.
    fileSystems."/" = {
      device = "/dev/disk/by-label/bootstead-root";
      fsType = "ext4";
      options = [ "noatime" ];
    };
    fileSystems."/boot" = {
      device = "/dev/disk/by-label/BOOTSTEAD";
      fsType = "vfat";
      options = [ "umask=0077" ];
    };

    boot.loader.grub = {
      enable = true;
      device = if cfg.bootDisk == null then "nodev" else cfg.bootDisk;
      efiSupport = true;
      # The fallback path needs no entry in the firmware.
      efiInstallAsRemovable = true;
      configurationLimit = 4;
    };
    boot.loader.efi.efiSysMountPoint = "/boot";
    assertions = [
      {
        assertion = cfg.bootDisk == null || isX86;
        message = "bootstead.base.bootDisk: only x86 machines start by BIOS; leave it out.";
      }
    ];
    hardware.enableAllHardware = true;
    hardware.enableRedistributableFirmware = true;
    boot.initrd.systemd.enable = true;

    # Data volumes stay inactive: nobody owns them yet.
    environment.etc."lvm/lvm.conf".text = lib.mkAfter "activation/auto_activation_volume_list = []\n";

    networking.useNetworkd = true;
    networking.useDHCP = lib.mkDefault true;
    # The name comes with the lease, or from the installer's hand-off below.
    networking.hostName = "";
    systemd.services.bootstead-name = {
      description = "Take the name that this machine was installed with";
      wantedBy = [ "sysinit.target" ];
      before = [ "network-pre.target" ];
      wants = [ "network-pre.target" ];
      unitConfig = {
        DefaultDependencies = false;
        ConditionPathExists = "/var/lib/bootstead/machine.json";
        RequiresMountsFor = "/var/lib/bootstead";
      };
      serviceConfig.Type = "oneshot";
      path = [ pkgs.jq ];
      script = ''
        name=$(jq --raw-output '.name | select(test("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"))' /var/lib/bootstead/machine.json)
        [ -z "$name" ] || echo "$name" >/proc/sys/kernel/hostname
      '';
    };

    # Makes the machine active.
    systemd.services.bootstead-report = {
      description = "Report to the Bootstead appliance";
      wantedBy = [ "multi-user.target" ];
      wants = [ "network-online.target" ];
      after = [ "network-online.target" ];
      serviceConfig = {
        Type = "exec";
        ExecStart = "${config.bootstead.agentPackage}/bin/bootstead-agent report --stay";
        Restart = "always";
        RestartSec = 30;
      };
    };

    services.openssh = {
      enable = true;
      settings = {
        PermitRootLogin = "prohibit-password";
        PasswordAuthentication = false;
        KbdInteractiveAuthentication = false;
      };
    };
    users.mutableUsers = false;
    users.allowNoPasswordLogin = true;
    users.users.root.openssh.authorizedKeys.keys = cfg.authorizedKeys;

    nix.settings.experimental-features = [
      "nix-command"
      "flakes"
    ];
    documentation.enable = lib.mkDefault false;
    system.stateVersion = lib.mkDefault config.system.nixos.release;
  };
}
