# What the three k3s roles have in common. A part of k3s-server-init.nix, k3s-server.nix and k3s-agent.nix.
{
  lib,
  config,
  bootsteadLib,
}:
let
  inherit (lib) mkOption types;
in
{
  options = role: {
    enable = lib.mkEnableOption role;

    token = mkOption {
      type = bootsteadLib.secretReference;
      default = "secret:k3s-token";
      description = "The secret with the cluster's token, the same on all its machines.";
    };

    nodeAddress = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "192.0.2.31";
      description = "The address that the other machines reach this one by. Null: that of the default route.";
    };

    peers = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "192.0.2.0/24" ];
      description = "The networks of the cluster's machines, and of those who use its API. The firewall lets only them in.";
    };

    labels = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "gpu=true" ];
      description = "Labels of this machine in the cluster.";
    };

    taints = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "node-role.kubernetes.io/control-plane=true:NoSchedule" ];
      description = "Taints of this machine in the cluster.";
    };
  };

  serverOptions = {
    apiAddresses = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "k3s.example.com" ];
      description = "Further names and addresses that the API's certificate is good for.";
    };

    disable = mkOption {
      type = types.listOf types.str;
      default = [ "servicelb" ];
      example = [
        "servicelb"
        "traefik"
      ];
      description = "Parts of k3s that are left out. The same on all servers.";
    };

    secretsEncryption = mkOption {
      type = types.bool;
      default = true;
      description = "Keep Kubernetes secrets encrypted in etcd. It has to be the same on all servers, from the start.";
    };

    virtualAddress = mkOption {
      type = types.nullOr (
        types.submodule {
          options = {
            address = mkOption {
              type = types.str;
              example = "192.0.2.30/24";
              description = "The address that moves to a server that lives. Machines join there.";
            };
            interface = mkOption {
              type = types.str;
              example = "enp3s0";
              description = "The interface that it is on.";
            };
            routerIdentifier = mkOption {
              type = types.ints.between 1 255;
              default = 51;
              description = "VRRP's number, alone in its network.";
            };
            priority = mkOption {
              type = types.ints.between 1 254;
              default = 100;
              description = "The living server with the highest number has the address.";
            };
          };
        }
      );
      default = null;
      description = "An address for the API that does not belong to one server, by keepalived.";
    };
  };

  node = cfg: {
    bootstead.secrets.${bootsteadLib.secretName cfg.token}.units = [ "k3s.service" ];
    services.k3s = {
      enable = true;
      tokenFile = bootsteadLib.secretPath cfg.token;
      nodeName = config.networking.hostName;
      nodeIP = cfg.nodeAddress;
      nodeLabel = cfg.labels;
      nodeTaint = cfg.taints;
    };
    networking.firewall = lib.mkMerge [
      # Pods and services speak with the machine that they are on.
      {
        trustedInterfaces = [
          "cni0"
          "flannel.1"
        ];
      }
      # Kubelet and the overlay network.
      (import ../lib/firewall.nix { inherit lib config; } {
        from = cfg.peers;
        tcp = [ 10250 ];
        udp = [ 8472 ];
      })
    ];
  };

  server = cfg: {
    services.k3s = {
      role = "server";
      inherit (cfg) disable;
      extraFlags =
        map (name: "--tls-san=${name}") cfg.apiAddresses
        ++ lib.optional (cfg.virtualAddress != null) "--tls-san=${lib.head (lib.splitString "/" cfg.virtualAddress.address)}"
        ++ lib.optional cfg.secretsEncryption "--secrets-encryption"
        ++ [ "--write-kubeconfig-mode=0600" ];
    };
    networking.firewall = import ../lib/firewall.nix { inherit lib config; } {
      from = cfg.peers;
      tcp = [
        6443
        2379
        2380
      ];
    };
    services.keepalived = lib.mkIf (cfg.virtualAddress != null) {
      enable = true;
      openFirewall = true;
      enableScriptSecurity = true;
      vrrpInstances.k3s = {
        inherit (cfg.virtualAddress) interface priority;
        state = "BACKUP";
        virtualRouterId = cfg.virtualAddress.routerIdentifier;
        virtualIps = [ { addr = cfg.virtualAddress.address; } ];
      };
    };
  };

  joinOption = mkOption {
    type = types.strMatching "https://[^/ ]+:[0-9]+";
    example = "https://192.0.2.30:6443";
    description = "The API of the cluster, best at its virtual address.";
  };
}
