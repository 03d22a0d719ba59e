# Access designs with the options that change most of what they make.
{ base, ... }:
let
  image = "docker.io/example/example@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
  routes = {
    photos = {
      upstream = "http://127.0.0.1:2283";
      exposure = "vpn";
    };
    books = {
      upstream = "http://127.0.0.1:8083";
      exposure = "public";
    };
    git = {
      upstream = "https://192.0.2.20:443";
      upstreamName = "git.example.com";
    };
  };
  zones = {
    lan = "lan.example.com";
    vpn = "vpn.example.com";
    public = "example.com";
  };
  certificate = {
    mode = "acme";
    email = "admin@example.com";
  };
  login = {
    provider = "https://auth.example.com";
    address = "http://127.0.0.1:9091";
    path = "/api/authz/forward-auth";
    headers = [ "Remote-User" ];
    routes = [ "books" ];
  };
  withAccess = access: base.withSettings { inherit access; };
  withRoles =
    roles: settings:
    base.thin
    // {
      inherit roles settings;
    };
in
{
  "access-options/nginx-proxy-manager".machine = withRoles [ "docker-host" ] {
    access = {
      inherit routes zones;
      nginx-proxy-manager = {
        enable = true;
        inherit image;
        pageFrom = [ "192.0.2.0/24" ];
      };
    };
  };
  "access-options/caddy-hub+login".machine = withAccess {
    inherit routes zones login;
    proxyAddress = "192.0.2.11";
    caddy-hub.enable = true;
  };
  "access-options/cloudflare-tunnel+token".machine = withAccess {
    inherit routes zones;
    cloudflare-tunnel.enable = true;
  };
  "access-options/wireguard".machine = withAccess {
    wireguard = {
      enable = true;
      endpoint = "vpn.example.com:51820";
      externalInterface = "enp3s0";
      networks = [ "192.0.2.0/24" ];
      publicKey = "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=";
      peers = {
        phone.addresses = [ "10.90.0.2" ];
        laptop = {
          addresses = [ "10.90.0.3" ];
          publicKey = "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=";
          presharedKey = "secret:wireguard-laptop";
          fullTunnel = true;
        };
      };
    };
  };
  "access-options/vlan-matrix".machine = withRoles [ "base-hardened" "docker-host" ] {
    access.vlan-matrix = {
      enable = true;
      zones = {
        management.networks = [ "192.0.2.0/26" ];
        trusted.networks = [ "192.0.2.64/26" ];
        iot.networks = [ "2001:db8:0:4::/64" ];
      };
    };
  };
  "access-options/vlan-matrix+nftables" = {
    machine = withRoles [ "base-hardened" ] {
      access.vlan-matrix = {
        enable = true;
        zones.management.networks = [
          "192.0.2.0/26"
          "2001:db8:0:1::/64"
        ];
      };
    };
    modules = [ { networking.nftables.enable = true; } ];
  };
  "access-options/k8s-ingress+acme" = {
    machine = withRoles [ "k3s-server-init" ] {
      access = {
        inherit certificate;
        zones.lan = "lan.example.com";
        k8s-ingress = {
          enable = true;
          pool = [ "192.0.2.200-192.0.2.220" ];
          address = "192.0.2.210";
          charts = {
            k8up = { };
            headlamp.values.replicaCount = 2;
            other = {
              repository = "https://charts.example.com";
              chart = "other";
              version = "1.2.3";
              namespace = "other";
            };
          };
        };
      };
    };
    # What runs is what templates/cluster/addons.json says, and what the owner adds to it.
    modules = [
      (
        { config, lib, ... }:
        let
          addon =
            name:
            lib.findFirst (entry: entry.name == name) (throw name) (lib.importJSON ../cluster/addons.json).addons;
          spec = name: config.services.k3s.manifests.${name}.content.spec;
          values = name: builtins.fromJSON (spec name).valuesContent;
        in
        {
          assertions =
            map
              (name: {
                assertion = (spec name).version == (addon name).version && (spec name).repo == (addon name).repository;
                message = "${name} is not the one of addons.json";
              })
              [
                "metallb"
                "cert-manager"
                "k8up"
                "headlamp"
              ]
            ++ [
              {
                assertion = values "metallb" == (addon "metallb").values && values "cert-manager" == (addon "cert-manager").values;
                message = "charts without the values of addons.json";
              }
              {
                assertion =
                  !(values "headlamp").clusterRoleBinding.create
                  && (values "headlamp").replicaCount == 2
                  && (lib.head (values "headlamp").ingress.hosts).host == "headlamp.lan.example.com"
                  && (values "headlamp").ingress.annotations."cert-manager.io/cluster-issuer" == "bootstead";
                message = "Headlamp's values: ${(spec "headlamp").valuesContent}";
              }
            ];
        }
      )
    ];
  };
  # What `bootstead cluster create` and `join` declare.
  "access-options/cluster+create".machine = withRoles [ "base-hardened" "k3s-server-init" ] {
    roles.k3s-server-init = {
      token = "secret:k3s-home";
      nodeAddress = "192.0.2.31";
      peers = [ "192.0.2.0/24" ];
    };
    access.k8s-ingress = {
      enable = true;
      pool = [ "192.0.2.239-192.0.2.254" ];
      address = "192.0.2.239";
    };
  };
  "access-options/cluster+join".machine = withRoles [ "base-hardened" "k3s-server" ] {
    roles.k3s-server = {
      token = "secret:k3s-home";
      join = "https://192.0.2.31:6443";
      nodeAddress = "192.0.2.32";
      peers = [ "192.0.2.0/24" ];
    };
  };
  # What `bootstead cluster rejoin` declares: no second cluster is begun.
  "access-options/cluster+rejoin" = {
    machine = withRoles [ "base-hardened" "k3s-server-init" ] {
      roles.k3s-server-init = {
        token = "secret:k3s-home";
        join = "https://192.0.2.32:6443";
        nodeAddress = "192.0.2.31";
        peers = [ "192.0.2.0/24" ];
      };
    };
    modules = [
      (
        { config, lib, ... }:
        {
          assertions = [
            {
              assertion =
                !config.services.k3s.clusterInit
                && !lib.hasInfix "--cluster-init" config.systemd.services.k3s.serviceConfig.ExecStart
                && lib.hasInfix "--server https://192.0.2.32:6443" config.systemd.services.k3s.serviceConfig.ExecStart;
              message = "a first server that joins another one must not begin a cluster";
            }
          ];
        }
      )
    ];
  };
  # All ways into one house at once.
  "access-options/together".machine = withRoles [ "base-hardened" "edge" "dns" ] {
    roles.edge = {
      proxy = "traefik";
      ways = [
        "cloudflare-tunnel"
        "tailscale-subnet-router"
        "wireguard"
        "split-dns"
        "port-forward"
      ];
    };
    access = {
      inherit
        routes
        zones
        certificate
        login
        ;
      proxyAddress = "192.0.2.11";
      split-dns.nameServers = [ "192.0.2.11" ];
      tailscale-subnet-router.routes = [ "192.0.2.0/24" ];
      wireguard = {
        endpoint = "vpn.example.com:51820";
        masquerade = false;
      };
      port-forward.ports.streaming = {
        port = 32400;
        reason = "video is against the terms of the tunnel";
      };
    };
  };
}
