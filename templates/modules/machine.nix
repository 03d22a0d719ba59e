# What a machine is: its name, its identity, its network cards, how it starts.
{ config, lib, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.bootstead.machine;
  hexadecimal = lib.replaceStrings [ "-" ] [ "" ] cfg.identifier;
in
{
  options.bootstead.machine = {
    name = mkOption {
      type = types.strMatching "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?";
      example = "node1";
      description = "The machine's name: its host name, and its name at the appliance.";
    };

    identifier = mkOption {
      type = types.strMatching "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";
      example = "0b7f3c52-5d0e-4d0f-9d7e-2f1f6a0c9e11";
      description = ''
        The machine's lasting identifier, a UUID in lower case. `/etc/machine-id` is this without the hyphens, and
        `networking.hostId` its first eight digits, so that ZFS pools stay this machine's own after a rebuild.
      '';
    };

    addresses = mkOption {
      type = types.nonEmptyListOf (types.strMatching "[0-9a-f]{2}(:[0-9a-f]{2}){5}");
      example = [ "52:54:00:12:34:56" ];
      description = "The MAC addresses of the machine's network cards, in lower case with colons.";
    };

    firmware = mkOption {
      type = types.enum [
        "bios"
        "uefi"
        "both"
      ];
      default = "both";
      description = ''
        What the boot disk starts on. `both` is how the installer lays it out: GRUB in the BIOS boot partition and at
        the fallback path of the EFI system partition, so that the disk also starts on another board.
      '';
    };

    bootDisk = mkOption {
      type = types.strMatching "/dev/disk/by-(id|path)/[^/ ]+";
      example = "/dev/disk/by-id/nvme-Example_SSD_1TB_0123456789";
      description = "The disk that the boot loader is on, by a name that stays.";
    };
  };

  config = {
    networking = {
      hostName = cfg.name;
      hostId = builtins.substring 0 8 hexadecimal;
    };
    environment.etc."machine-id".text = "${hexadecimal}\n";
  };
}
