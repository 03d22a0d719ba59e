# Roles with the options that change most of what they make.
{ base, ... }:
let
  image = "docker.io/example/example@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
  key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExample backup@example.com";
  withRoles =
    roles: settings:
    base.thin
    // {
      inherit roles settings;
    };
in
{
  "role-options/base-hardened".machine = withRoles [ "base-hardened" ] {
    roles.base-hardened = {
      sshPort = 2222;
      sshFrom = [
        "192.0.2.0/24"
        "2001:db8::/32"
      ];
      timeServers = [ "192.0.2.1" ];
      diskHealth = false;
      powerSupply.server = "192.0.2.20";
    };
  };
  "role-options/docker-host".machine = withRoles [ "docker-host" ] {
    roles.docker-host = {
      cockpit = true;
      beszel.enable = true;
      dataRoot = "/srv/docker";
      userNamespace.exceptions = [ "home-assistant" ];
    };
  };
  "role-options/docker-host+own-users".machine = withRoles [ "docker-host" ] {
    roles.docker-host.userNamespace.enable = false;
  };
  "role-options/docker-host-rootless".machine = withRoles [ "docker-host-rootless" ] {
    roles.docker-host-rootless.lowPorts = true;
  };
  "role-options/photos-host".machine = withRoles [ "photos-host" ] {
    roles.photos-host.cpuQuota = "300%";
  };
  "role-options/gpu-worker+nvidia".machine = withRoles [ "docker-host" "gpu-worker" ] {
    roles.gpu-worker = {
      vendor = "nvidia";
      nvidia.open = false;
      clients = [ "192.0.2.14" ];
      languageModels.enable = true;
      photoLearning = {
        enable = true;
        inherit image;
      };
    };
  };
  "role-options/gpu-worker+amd".machine = withRoles [ "gpu-worker" ] {
    roles.gpu-worker = {
      vendor = "amd";
      languageModels.enable = true;
    };
  };
  "role-options/gpu-worker+intel".machine = withRoles [ "podman-host" "gpu-worker" ] {
    roles.gpu-worker = {
      vendor = "intel";
      photoLearning = {
        enable = true;
        inherit image;
      };
    };
  };
  "role-options/hypervisor".machine = withRoles [ "hypervisor" ] {
    roles.hypervisor = {
      bridge.address = "52:54:00:12:34:56";
      autoSnapshot.enable = true;
    };
  };
  "role-options/hypervisor+incus".machine = withRoles [ "hypervisor" ] {
    roles.hypervisor = {
      manager = "incus";
      storage = {
        driver = "lvm";
        source = "data";
      };
    };
  };
  "role-options/nas".machine = withRoles [ "nas" ] {
    roles.nas = {
      pools = [ "tank" ];
      nfsVersion3 = true;
      shares = {
        data = {
          path = "/tank/data";
          nfs = true;
          samba = true;
          sambaUsers = [ "admin" ];
          clients = [
            "192.0.2.0/24"
            "2001:db8::/64"
          ];
        };
        scans = {
          path = "/tank/scans";
          samba = true;
          readOnly = true;
        };
      };
      replication."tank/data" = "backup/data";
      ups = {
        enable = true;
        clients = [ "192.0.2.11" ];
      };
    };
  };
  "role-options/dns".machine = withRoles [ "dns" ] {
    roles.dns = {
      webFrom = [ "192.0.2.12" ];
      administrator.passwordHash = "secret:adguardhome-password";
      rewrites."*.lan.example.com" = "192.0.2.11";
    };
  };
  "role-options/dns+secondary".machine = withRoles [ "docker-host" "dns" ] {
    roles.dns.secondary = {
      enable = true;
      primary = "http://192.0.2.10:3000";
      inherit image;
    };
  };
  "role-options/dns+pihole".machine = withRoles [ "dns" ] {
    roles.dns = {
      server = "pihole";
      rewrites = {
        "git.lan.example.com" = "192.0.2.11";
        "*.lan.example.com" = "192.0.2.11";
      };
    };
  };
  "role-options/idp+authelia".machine = withRoles [ "idp" ] {
    roles.idp = {
      host = "id.example.com";
      provider = "authelia";
    };
  };
  "role-options/idp+kanidm".machine = withRoles [ "edge" "idp" ] {
    roles.idp = {
      host = "id.example.com";
      provider = "kanidm";
      kanidmVersion = "1.10";
      certificate = "bootstead";
    };
    access = {
      zones.lan = "example.com";
      certificate = {
        mode = "acme";
        email = "admin@example.com";
      };
      routes.id = {
        upstream = "https://127.0.0.1:1411";
        upstreamName = "id.example.com";
      };
    };
  };
  "role-options/backup-target".machine = withRoles [ "backup-target" ] {
    roles.backup-target = {
      restic = {
        enable = true;
        clients = [ "192.0.2.0/24" ];
      };
      borg.node1 = {
        appendKeys = [ key ];
        quota = "500G";
      };
      mirror = {
        enable = true;
        keys.node1 = key;
      };
      pull = {
        enable = true;
        keys = [ key ];
        from = [ "192.0.2.20" ];
        daemon = true;
      };
    };
  };
  "role-options/k3s-server-init".machine = withRoles [ "k3s-server-init" ] {
    roles.k3s-server-init = {
      peers = [ "192.0.2.0/24" ];
      nodeAddress = "192.0.2.31";
      apiAddresses = [ "k3s.example.com" ];
      taints = [ "node-role.kubernetes.io/control-plane=true:NoSchedule" ];
      virtualAddress = {
        address = "192.0.2.30/24";
        interface = "enp3s0";
      };
    };
  };
  "role-options/nas+parity".machine =
    withRoles [ "nas" ] {
      roles.nas.parity = {
        enable = true;
        dataDisks = {
          d1 = "/srv/d1";
          d2 = "/srv/d2";
        };
        parityDisks = [ "/srv/parity" ];
        mountPoint = "/srv/media";
      };
    }
    // {
      fileSystems =
        base.thin.fileSystems
        ++ map
          (name: {
            mountPoint = "/srv/${name}";
            device = "/dev/disk/by-id/ata-Example_${name}-part1";
            type = "xfs";
            options = [
              "noatime"
              "nofail"
            ];
          })
          [
            "d1"
            "d2"
            "parity"
          ];
    };
  "role-options/provisioner" = {
    machine = withRoles [ "provisioner" ] {
      roles.provisioner = {
        interfaces = [
          "br0"
          "vlan30"
        ];
        httpPort = 8088;
        enrolment = "inventory";
        armLoaders = true;
        remoteBuilders = true;
      };
    };
    modules = [
      (
        { pkgs, ... }:
        {
          bootstead.roles.provisioner = {
            # Any package stands in for the appliance's: nothing is built.
            package = pkgs.hello;
            templates = ./broken;
          };
        }
      )
    ];
  };
}
