# LUKS, opened by a passphrase at the console, by the machine's TPM 2, or by a Tang server on the network.
{
  config,
  lib,
  bootsteadLib,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.bootstead.storage.encryption;
  by = unlock: lib.filterAttrs (_: device: device.unlock == unlock) cfg.devices;
  byTang = by "tang";
in
{
  options.bootstead.storage.encryption.devices = mkOption {
    default = { };
    example = {
      system = {
        device = "/dev/disk/by-partuuid/5f0c0f6e-0000-4000-8000-000000000003";
        unlock = "tpm2";
      };
    };
    description = ''
      LUKS devices by the name that they get below `/dev/mapper`. The passphrase always opens them as well; where the
      TPM does not recognise the machine, it is asked for at the console.
    '';
    type = types.attrsOf (
      types.submodule {
        options = {
          device = mkOption {
            type = types.strMatching "/dev/(disk/by-(id|path|uuid|partuuid)/[^/ ]+|[^/ ]+/[^/ ]+)";
            example = "/dev/disk/by-partuuid/5f0c0f6e-0000-4000-8000-000000000003";
            description = "The encrypted partition or volume.";
          };
          unlock = mkOption {
            type = types.enum [
              "passphrase"
              "tpm2"
              "tang"
            ];
            default = "passphrase";
            description = "What opens it at the start.";
          };
          allowDiscards = mkOption {
            type = types.bool;
            default = true;
            description = "Whether a solid-state disk learns which blocks are free, and with it whoever reads the disk.";
          };
          tangToken = mkOption {
            type = types.nullOr bootsteadLib.absolutePath;
            default = null;
            example = "/var/lib/bootstead/system.jwe";
            description = "With `tang`: the file that `clevis encrypt tang` made, on the machine.";
          };
        };
      }
    );
  };

  config = lib.mkIf (cfg.devices != { }) {
    assertions = lib.mapAttrsToList (name: device: {
      assertion = device.unlock != "tang" || device.tangToken != null;
      message = "bootstead.storage.encryption.devices.${name}.tangToken: name the file that \"clevis encrypt tang\" made.";
    }) cfg.devices;

    boot.initrd.systemd.enable = true;
    boot.initrd.systemd.tpm2.enable = lib.mkIf (by "tpm2" != { }) true;
    boot.initrd.luks.devices = lib.mapAttrs (_: device: {
      inherit (device) device allowDiscards;
      crypttabExtraOpts = lib.optional (device.unlock == "tpm2") "tpm2-device=auto";
    }) cfg.devices;
    boot.initrd.clevis = lib.mkIf (byTang != { }) {
      enable = true;
      useTang = true;
      devices = lib.mapAttrs (_: device: { secretFile = device.tangToken; }) byTang;
    };
    # Tang is asked over the network, before the root file system is there.
    boot.initrd.systemd.network = lib.mkIf (byTang != { }) {
      enable = true;
      networks = config.systemd.network.networks;
      netdevs = config.systemd.network.netdevs;
    };
  };
}
