# What roles and access designs refuse, and which field their words name.
{ base, ... }:
let
  withRoles =
    roles: settings:
    base.thin
    // {
      inherit roles settings;
    };
  withAccess = access: base.withSettings { inherit access; };
  key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExample backup@example.com";
in
{
  "refused/two-container-hosts" = {
    machine = withRoles [ "docker-host" "podman-host" ] { };
    says = "\"docker-host\" and \"podman-host\" exclude each other";
  };
  "refused/two-cluster-roles" = {
    machine = withRoles [ "k3s-server-init" "k3s-agent" ] {
      roles.k3s-agent.join = "https://192.0.2.30:6443";
    };
    says = "\"k3s-server-init\" and \"k3s-agent\" exclude each other";
  };
  "refused/golden-with-work" = {
    machine = withRoles [ "golden" "nas" ] { };
    says = "\"golden\" and \"nas\" exclude each other";
  };
  "refused/range-of-a-person" = {
    machine = withRoles [ "docker-host" ] { };
    modules = [ { users.users.admin.autoSubUidGidRange = true; } ];
    says = "would hand the containers' user range to a person";
  };
  "refused/bridge-on-no-card" = {
    machine = withRoles [ "hypervisor" ] { roles.hypervisor.bridge.address = "52:54:00:99:99:99"; };
    says = "52:54:00:99:99:99 is no card of this machine";
  };
  "refused/share-for-nobody" = {
    machine = withRoles [ "nas" ] {
      roles.nas.shares.data = {
        path = "/tank/data";
        nfs = true;
      };
    };
    says = "is shared by NFS with nobody";
  };
  "refused/parity-on-the-system's-disk" = {
    machine = withRoles [ "nas" ] {
      roles.nas.parity = {
        enable = true;
        dataDisks.d1 = "/srv/d1";
        parityDisks = [ "/srv/parity" ];
      };
    };
    says = "bootstead.roles.nas.parity: no file system is declared on /srv/d1, /srv/parity";
  };
  "refused/key-that-adds-and-deletes" = {
    machine = withRoles [ "backup-target" ] {
      roles.backup-target.borg.node1 = {
        appendKeys = [ key ];
        fullKeys = [ key ];
      };
    };
    says = "bootstead.roles.backup-target.borg.node1: a key is in appendKeys and in fullKeys";
  };
  "refused/unpinned-image" = {
    machine = withRoles [ "gpu-worker" ] {
      roles.gpu-worker = {
        vendor = "intel";
        photoLearning = {
          enable = true;
          image = "docker.io/example/example:latest";
        };
      };
    };
    says = "bootstead.roles.gpu-worker.photoLearning.image";
  };
  "refused/provisioner-without-interface" = {
    machine = withRoles [ "provisioner" ] { roles.provisioner.program = "/opt/bootstead/bootstead"; };
    says = "bootstead.roles.provisioner.interfaces: name an interface";
  };
  "refused/provisioner-with-interface-twice" = {
    machine = withRoles [ "provisioner" ] {
      roles.provisioner = {
        program = "/opt/bootstead/bootstead";
        interfaces = [
          "enp1s0"
          "enp1s0"
        ];
      };
    };
    says = "bootstead.roles.provisioner.interfaces: an interface is listed twice";
  };
  "refused/provisioner-without-program" = {
    machine = withRoles [ "provisioner" ] { roles.provisioner.interfaces = [ "enp1s0" ]; };
    says = "bootstead.roles.provisioner.program: give the path of the executable";
  };
  "refused/provisioner-in-the-node's-folder" = {
    machine = withRoles [ "provisioner" ] {
      roles.provisioner = {
        program = "/opt/bootstead/bootstead";
        interfaces = [ "enp1s0" ];
        stateDirectory = "bootstead";
      };
    };
    says = "bootstead.roles.provisioner.stateDirectory: /var/lib/bootstead is this machine's own";
  };
  "refused/two-proxies" = {
    machine = withAccess {
      zones.lan = "lan.example.com";
      certificate = {
        mode = "acme";
        email = "admin@example.com";
      };
      caddy-hub.enable = true;
      traefik.enable = true;
    };
    says = "caddy-hub and traefik both want ports 80 and 443";
  };
  "refused/name-twice" = {
    machine = withAccess {
      zones.lan = "lan.example.com";
      caddy-hub.enable = true;
      routes.one = {
        host = "same";
        upstream = "http://127.0.0.1:1";
      };
      routes.two = {
        host = "same";
        upstream = "http://127.0.0.1:2";
      };
    };
    says = "two routes have the name same.lan.example.com";
  };
  "refused/public-without-domain" = {
    machine = withAccess {
      zones.lan = "lan.example.com";
      routes.books = {
        upstream = "http://127.0.0.1:1";
        exposure = "public";
      };
    };
    says = "bootstead.access.zones.public has no domain";
  };
  "refused/tunnel-without-public-route" = {
    machine = withAccess { cloudflare-tunnel.enable = true; };
    says = "no route has the exposure \"public\"";
  };
  "refused/locked-out" = {
    machine = withAccess { vlan-matrix.enable = true; };
    says = "no zone may reach SSH";
  };
  "refused/port-forward-of-ssh" = {
    machine = withAccess {
      port-forward = {
        enable = true;
        ports.ssh = {
          port = 22;
          reason = "it is quicker than a tunnel";
        };
      };
    };
    says = "port 22 is SSH";
  };
  "refused/wireguard-peers-with-one-address" = {
    machine = withAccess {
      wireguard = {
        enable = true;
        endpoint = "vpn.example.com:51820";
        masquerade = false;
        peers.one.addresses = [ "10.90.0.2" ];
        peers.two.addresses = [ "10.90.0.2" ];
      };
    };
    says = "two devices have the same address";
  };
  "refused/ingress-without-cluster" = {
    machine = withAccess {
      k8s-ingress = {
        enable = true;
        pool = [ "192.0.2.200-192.0.2.220" ];
      };
    };
    says = "give the machine the role \"k3s-server-init\"";
  };
}
