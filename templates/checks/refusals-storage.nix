# Layouts and disks that have to be refused, and what the refusal has to say.
{ lib, base, ... }:
let
  inherit (base) thin volume withSettings;
  disk = number: "/dev/disk/by-id/ata-Example_${toString number}";
  pool = settings: withSettings { storage.zfs.pools.tank = settings; };
in
{
  # Layouts.
  "layout/volumes-over-pool" = {
    machine = thin // {
      fileSystems = thin.fileSystems ++ [
        (volume "appdata" 60)
        (volume "db" 40)
      ];
    };
    says = "the volumes ask for 100 GiB, and the pool holds 96 GiB";
  };
  "layout/pool-over-disk" = {
    machine = thin // {
      thinPool = thin.thinPool // {
        size = 120 * base.gibibyte;
      };
    };
    says = "the layout needs 146 GiB on /dev/disk/by-id/virtio-checked, which has 128 GiB";
  };
  "layout/pool-over-data-disk" = {
    machine = thin // {
      dataDisk = disk 1;
      dataDiskSize = 64 * base.gibibyte;
    };
    says = "the pool has 96 GiB, and /dev/disk/by-id/ata-Example_1 has 64 GiB";
  };
  "layout/same-mount-twice" = {
    machine = thin // {
      fileSystems = thin.fileSystems ++ [
        (volume "appdata" 10)
        (volume "appdata" 10)
      ];
    };
    says = "bootstead.storage.fileSystems: /srv/appdata is listed twice";
  };
  "layout/no-root" = {
    machine = thin // {
      fileSystems = [ (builtins.elemAt thin.fileSystems 1) ];
    };
    says = "there is none for /";
  };
  "layout/no-efi-partition" = {
    machine = thin // {
      fileSystems = [ (builtins.head thin.fileSystems) ];
    };
    says = "UEFI starts from a vfat file system on /boot";
  };
  "layout/bios-on-arm" = {
    machine = thin // {
      system = "aarch64-linux";
    };
    says = "aarch64-linux starts by UEFI only";
  };
  "layout/pool-where-there-is-none" = {
    machine = withSettings { storage.layout = "os-only"; };
    says = "\"os-only\" has no thin pool";
  };
  "layout/mirror-without-second-disk" = {
    machine = withSettings { storage.layout = "lvm-thin-mirror"; };
    says = "has two boot disks; name the second";
  };

  # Another layout in the system than machine.json declares, as a module of somebody's could make it.
  "declared/mount-option" = {
    machine = thin;
    modules = [ { fileSystems."/".options = [ "discard" ]; } ];
    says = "machine.json and the system differ: / is ";
  };
  "declared/threshold" = {
    machine = thin;
    modules = [
      { environment.etc."lvm/lvm.conf".text = lib.mkAfter "activation/thin_pool_autoextend_threshold = 95\n"; }
    ];
    says = "machine.json and the system differ: lvm.conf has ";
  };

  # Data disks.
  "zfs/stripe-unacknowledged" = {
    machine = pool {
      mode = "stripe";
      members = [ (disk 1) ];
    };
    says = "a stripe is lost with any one of its disks";
  };
  "zfs/mirror-of-one" = {
    machine = pool {
      mode = "mirror";
      members = [ (disk 1) ];
    };
    says = "mirror takes at least 2 disks, and there are 1";
  };
  "zfs/unstable-member" = {
    machine = pool {
      mode = "mirror";
      members = [
        "/dev/sdb"
        "/dev/sdc"
      ];
    };
    says = "bootstead.storage.zfs.pools.tank.members";
  };
  "zfs/boot-disk-as-member" = {
    machine = pool {
      mode = "mirror";
      members = [
        thin.bootDisk
        (disk 1)
      ];
    };
    says = "bootstead.storage: ${thin.bootDisk} is used by bootstead.";
  };
  "zfs/reserved-name" = {
    machine = withSettings {
      storage.zfs.pools.mirror = {
        mode = "mirror";
        members = map disk [
          1
          2
        ];
      };
    };
    says = "ZFS takes no pool called \"mirror\"";
  };
  "usb/boot-disk" = {
    machine =
      withSettings {
        storage.usb.disks.media = {
          device = "/dev/disk/by-id/usb-Example_Stick-part4";
          mountPoint = "/srv/media";
          type = "ext4";
        };
      }
      // {
        bootDisk = "/dev/disk/by-id/usb-Example_Stick";
      };
    says = "is the machine's boot disk";
  };
  "backup-disk/boot-disk" = {
    machine = withSettings {
      storage.backupDisk = {
        enable = true;
        device = "${thin.bootDisk}-part4";
      };
    };
    says = "a backup on the boot disk dies with it";
  };
  "encryption/tang-without-token" = {
    machine = withSettings {
      storage.encryption.devices.system = {
        device = "/dev/disk/by-partuuid/5f0c0f6e-0000-4000-8000-000000000003";
        unlock = "tang";
      };
    };
    says = "name the file that \"clevis encrypt tang\" made";
  };
  "k8s-local/on-the-root" = {
    machine = withSettings { storage.k8s-local.enable = true; };
    says = "there is no file system on /srv/kubernetes";
  };

  "swap/partition-without-device" = {
    machine = withSettings { storage.swap.kind = "partition"; };
    says = "a swap partition needs it";
  };
}
