# Virtual machines on the network of the house: a bridge, and libvirt or Incus on it.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.bootstead.roles.hypervisor;
  isLibvirt = cfg.manager == "libvirt";
  machine = config.bootstead.machine;
in
{
  options.bootstead.roles.hypervisor = {
    enable = lib.mkEnableOption "virtual machines on a bridge";

    manager = mkOption {
      type = types.enum [
        "libvirt"
        "incus"
      ];
      default = "libvirt";
      description = "What runs the virtual machines.";
    };

    bridge = {
      name = mkOption {
        type = types.strMatching "[a-z][a-z0-9-]{0,14}";
        default = "br0";
        description = "The bridge. Virtual machines on it are machines of the house's network, and can boot from it.";
      };

      address = mkOption {
        type = types.nullOr (types.strMatching "[0-9a-f]{2}(:[0-9a-f]{2}){5}");
        default = null;
        example = "52:54:00:12:34:56";
        description = ''
          The MAC address of the card that the bridge stands on. Null: the bridge is made elsewhere, by
          `bridge` of an interface in `bootstead.machine.network`.
        '';
      };

      dhcp = mkOption {
        type = types.bool;
        default = true;
        description = "Whether the host itself asks for an address on the bridge. Only with `address`.";
      };
    };

    autoSnapshot = {
      enable = lib.mkEnableOption "a daily snapshot of each virtual machine (libvirt)";

      keep = mkOption {
        type = types.ints.positive;
        default = 7;
        description = "How many snapshots each machine keeps.";
      };
    };

    storage = mkOption {
      type = types.nullOr (
        types.submodule {
          options = {
            name = mkOption {
              type = types.str;
              default = "default";
              description = "The storage pool's name in Incus.";
            };
            driver = mkOption {
              type = types.enum [
                "dir"
                "lvm"
                "zfs"
                "btrfs"
              ];
              default = "dir";
              description = "How Incus keeps disks.";
            };
            source = mkOption {
              type = types.str;
              example = "tank/incus";
              description = "The folder, volume group or dataset.";
            };
          };
        }
      );
      default = null;
      description = "Where Incus keeps the machines' disks. Null: it is set up by hand, with `incus admin init`.";
    };

    shutdownSeconds = mkOption {
      type = types.ints.positive;
      default = 180;
      description = "How long virtual machines have to shut down when the host does.";
    };
  };

  config = lib.mkIf cfg.enable (
    lib.mkMerge [
      {
        assertions = [
          {
            assertion = cfg.bridge.address == null || lib.elem cfg.bridge.address machine.addresses;
            message = "bootstead.roles.hypervisor.bridge.address: ${toString cfg.bridge.address} is no card of this machine; it has ${lib.concatStringsSep ", " machine.addresses}.";
          }
          {
            assertion = cfg.autoSnapshot.enable -> isLibvirt;
            message = "bootstead.roles.hypervisor.autoSnapshot is for libvirt; Incus has `snapshots.schedule` for each instance.";
          }
          {
            assertion = cfg.storage != null -> !isLibvirt;
            message = "bootstead.roles.hypervisor.storage is for Incus; give libvirt a storage pool with `virsh pool-define-as`.";
          }
        ];
        # Nested machines, and cards that are handed to one.
        boot.kernelModules = lib.optionals pkgs.stdenv.hostPlatform.isx86_64 [
          "kvm-intel"
          "kvm-amd"
        ];
        # Frames on the bridge belong to the machines on it, not to the host's firewall.
        boot.kernel.sysctl = {
          "net.bridge.bridge-nf-call-iptables" = lib.mkDefault 0;
          "net.bridge.bridge-nf-call-ip6tables" = lib.mkDefault 0;
        };
      }

      (lib.mkIf (cfg.bridge.address != null) {
        networking.useNetworkd = true;
        networking.useDHCP = false;
        systemd.network = {
          enable = true;
          netdevs."20-${cfg.bridge.name}".netdevConfig = {
            Kind = "bridge";
            Name = cfg.bridge.name;
            # The card's own address: leases and the appliance know it.
            MACAddress = cfg.bridge.address;
          };
          # Before the machine's own files for the card.
          networks."05-${cfg.bridge.name}-port" = {
            matchConfig = {
              PermanentMACAddress = cfg.bridge.address;
              Type = "ether";
              Kind = "!*";
            };
            networkConfig.Bridge = cfg.bridge.name;
            linkConfig.RequiredForOnline = "enslaved";
          };
          networks."05-${cfg.bridge.name}" = {
            matchConfig.Name = cfg.bridge.name;
            networkConfig = lib.mkIf cfg.bridge.dhcp {
              DHCP = "yes";
              IPv6AcceptRA = true;
            };
          };
        };
      })

      (lib.mkIf isLibvirt {
        virtualisation.libvirtd = {
          enable = true;
          onBoot = "ignore";
          onShutdown = "shutdown";
          shutdownTimeout = cfg.shutdownSeconds;
          allowedBridges = [ cfg.bridge.name ];
          qemu = {
            runAsRoot = false;
            swtpm.enable = true;
          };
        };
        users.users.${machine.administrator.name}.extraGroups = [ "libvirtd" ];
        services.libvirtd.autoSnapshot = {
          inherit (cfg.autoSnapshot) enable keep;
        };
      })

      (lib.mkIf (!isLibvirt) {
        virtualisation.incus = {
          enable = true;
          preseed = lib.mkIf (cfg.storage != null) {
            storage_pools = [
              {
                inherit (cfg.storage) name driver;
                config.source = cfg.storage.source;
              }
            ];
            profiles = [
              {
                name = "default";
                devices = {
                  eth0 = {
                    name = "eth0";
                    type = "nic";
                    nictype = "bridged";
                    parent = cfg.bridge.name;
                  };
                  root = {
                    path = "/";
                    pool = cfg.storage.name;
                    type = "disk";
                  };
                };
              }
            ];
          };
        };
        # Incus asks for it.
        networking.nftables.enable = true;
        users.users.${machine.administrator.name}.extraGroups = [ "incus-admin" ];
      })
    ]
  );
}
