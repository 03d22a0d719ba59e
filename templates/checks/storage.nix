# Every storage design, and the ways of a network card.
{ base, ... }:
let
  inherit (base)
    plain
    thin
    volume
    withNetwork
    withSettings
    ;
  disk = number: "/dev/disk/by-id/ata-Example_${toString number}";
  partition = number: "/dev/disk/by-partuuid/5f0c0f6e-0000-4000-8000-00000000000${toString number}";
  withMirror =
    machine:
    machine
    // {
      fileSystems = machine.fileSystems ++ [
        {
          mountPoint = "/boot-mirror";
          device = partition 8;
          type = "vfat";
          options = [
            "umask=0077"
            "nofail"
          ];
        }
      ];
    };
  rootAs =
    machine: device: type:
    machine
    // {
      fileSystems = [
        {
          mountPoint = "/";
          inherit device type;
        }
        (builtins.elemAt machine.fileSystems 1)
      ];
    };
  zfsPool = mode: members: {
    storage.zfs.pools.tank = {
      inherit mode members;
      datasets.photos = {
        mountPoint = "/srv/photos";
        recordSize = "1M";
        quota = "500G";
      };
    };
  };
  first = "52:54:00:12:34:56";
  second = "52:54:00:12:34:57";
in
{
  "storage/lvm-thin".machine = thin // {
    fileSystems = thin.fileSystems ++ [
      (volume "appdata" 40)
      (volume "db" 20)
    ];
  };
  "storage/lvm-thin/golden".machine = thin // {
    fileSystems = thin.fileSystems ++ [ (volume "appdata" 40) ];
    roles = [ "golden" ];
  };
  "storage/lvm-thin-on-a-data-disk".machine = thin // {
    dataDisk = disk 1;
    dataDiskSize = 97 * base.gibibyte;
  };
  "storage/lvm-thin/uefi".machine = thin // {
    firmware = "uefi";
  };
  "storage/lvm-thin/bios".machine = thin // {
    firmware = "bios";
  };
  "storage/lvm-thin-mirror".machine = withMirror (
    rootAs thin "/dev/disk/by-id/md-name-any:system" "ext4"
    // {
      settings.storage = {
        layout = "lvm-thin-mirror";
        mirror.bootDisk = disk 2;
      };
    }
  );
  "storage/os-only".machine = plain;
  "storage/single/btrfs".machine = rootAs plain (partition 3) "btrfs" // {
    settings.storage.layout = "single";
  };
  "storage/single/xfs".machine = rootAs plain (partition 3) "xfs" // {
    settings.storage.layout = "single";
  };
  "storage/zfs-boot-mirror".machine = withMirror (
    rootAs plain "rpool/root" "zfs"
    // {
      settings.storage = {
        layout = "zfs-boot-mirror";
        mirror.bootDisk = disk 2;
      };
    }
  );
  "storage/zfs-pool/mirror".machine = withSettings (zfsPool "mirror" (map disk [ 1 2 ]));
  "storage/zfs-pool/raidz1".machine = withSettings (zfsPool "raidz1" (map disk [ 1 2 3 ]));
  "storage/zfs-pool/raidz2".machine = withSettings (zfsPool "raidz2" (map disk [ 1 2 3 4 ]));
  "storage/zfs-pool/raidz3".machine = withSettings (zfsPool "raidz3" (map disk [ 1 2 3 4 5 ]));
  "storage/os-data-backup/replica".machine = plain // {
    settings.storage.os-data-backup = {
      enable = true;
      dataDisk = disk 1;
      backupDisk = disk 2;
    };
  };
  "storage/os-data-backup/mirror".machine = plain // {
    settings.storage.os-data-backup = {
      enable = true;
      dataDisk = disk 1;
      backupDisk = disk 2;
      copy = "mirror";
    };
  };
  "storage/nfs-client".machine = withSettings {
    storage.nfs.mounts.data = {
      server = "192.0.2.20";
      export = "/data";
      mountPoint = "/data";
      version = "3";
      options = [ "nconnect=4" ];
    };
  };
  "storage/das-usb".machine = withSettings {
    storage.usb.disks.media = {
      device = "/dev/disk/by-id/usb-Example_Disk_0123-0:0-part1";
      mountPoint = "/srv/media";
      type = "exfat";
      automount = true;
      readOnly = true;
    };
  };
  "storage/backup-disk".machine = withSettings {
    storage.backupDisk = {
      enable = true;
      device = "${disk 3}-part1";
    };
  };
  "storage/encryption/passphrase".machine = withSettings {
    storage.encryption.devices.system.device = partition 3;
  };
  "storage/encryption/tpm2".machine = withSettings {
    storage.encryption.devices.system = {
      device = partition 3;
      unlock = "tpm2";
    };
  };
  "storage/encryption/tang".machine = withSettings {
    storage.encryption.devices.system = {
      device = partition 3;
      unlock = "tang";
      tangToken = "/var/lib/bootstead/system.jwe";
    };
  };
  "storage/swap/zram".machine = withSettings {
    storage.swap.kind = "zram";
    machine.headless = true;
  };
  "storage/swap/partition".machine = withSettings {
    storage.swap = {
      kind = "partition";
      device = partition 9;
    };
  };
  "storage/linstor".machine = withSettings {
    storage.linstor = {
      enable = true;
      image = "registry.example.com/satellite@sha256:0000000000000000000000000000000000000000000000000000000000000000";
    };
  };
  "storage/k8s-local/topolvm".machine = withSettings {
    storage.k8s-local = {
      enable = true;
      provisioner = "topolvm";
    };
  };
  "storage/k8s-local/local-path".machine = thin // {
    fileSystems = thin.fileSystems ++ [ (volume "kubernetes" 60) ];
    settings.storage.k8s-local.enable = true;
    roles = [ "k3s-server-init" ];
  };

  "network/static".machine = withNetwork [
    {
      mac = first;
      addresses = [
        "192.0.2.5/24"
        "2001:db8::5/64"
      ];
      gateway = "192.0.2.1";
      gateway6 = "2001:db8::1";
      nameServers = [ "192.0.2.53" ];
    }
  ];
  "network/vlan-and-bridges".machine = withNetwork [
    {
      mac = first;
      bridge = "br0";
      addresses = [ "192.0.2.5/24" ];
      gateway = "192.0.2.1";
      vlans = [
        {
          id = 30;
          addresses = [ "198.51.100.5/24" ];
        }
        {
          id = 40;
          bridge = "br40";
        }
      ];
    }
    { mac = second; }
  ];
  "network/two-ports-of-one-bridge".machine = withNetwork [
    {
      mac = first;
      bridge = "br0";
    }
    {
      mac = second;
      bridge = "br0";
    }
  ];
}
