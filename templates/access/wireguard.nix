# WireGuard: one UDP port, keys on both sides, and no third party.
{
  config,
  lib,
  pkgs,
  bootsteadLib,
  ...
}:
let
  inherit (lib) mkOption types;
  access = config.bootstead.access;
  cfg = access.wireguard;
  key = types.strMatching "[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=";
  knownPeers = lib.filterAttrs (_: peer: peer.publicKey != null) cfg.peers;
  hostNetwork = address: if lib.hasInfix ":" address then "${address}/128" else "${address}/32";

  # Keys of devices are made where they are shown, and kept nowhere.
  addPeer = pkgs.writeShellApplication {
    name = "bootstead-wireguard-peer";
    runtimeInputs = [
      pkgs.wireguard-tools
      pkgs.qrencode
    ];
    text = ''
      usage() {
        echo "bootstead-wireguard-peer NAME: makes a key for a device and shows its configuration as text and QR code" >&2
        echo "known: ${lib.concatStringsSep " " (lib.attrNames cfg.peers)}" >&2
        exit 2
      }
      [ $# = 1 ] || usage
      case "$1" in
      ${lib.concatStrings (
        lib.mapAttrsToList (name: peer: ''
          ${lib.escapeShellArg name})
            addresses=${lib.escapeShellArg (lib.concatMapStringsSep ", " hostNetwork peer.addresses)}
            allowed=${
              lib.escapeShellArg (
                lib.concatStringsSep ", " (
                  if peer.fullTunnel then
                    [
                      "0.0.0.0/0"
                      "::/0"
                    ]
                  else
                    cfg.networks ++ cfg.addresses
                )
              )
            }
            ;;
        '') cfg.peers
      )}
      *) usage ;;
      esac
      server=$(wg show ${cfg.interface} public-key)
      private=$(wg genkey)
      configuration="[Interface]
      PrivateKey = $private
      Address = $addresses
      ${lib.optionalString (cfg.nameServers != [ ]) "DNS = ${lib.concatStringsSep ", " cfg.nameServers}\n"}
      [Peer]
      PublicKey = $server
      Endpoint = ${cfg.endpoint}
      AllowedIPs = $allowed
      PersistentKeepalive = 25
      "
      echo "$configuration"
      qrencode --type ansiutf8 <<<"$configuration"
      echo "Set bootstead.access.wireguard.peers.$1.publicKey to $(wg pubkey <<<"$private")"
    '';
  };
in
{
  options.bootstead.access.wireguard = {
    enable = lib.mkEnableOption "a WireGuard server";

    interface = mkOption {
      type = types.strMatching "[a-z][a-z0-9-]{0,14}";
      default = "wg0";
      description = "The tunnel's interface.";
    };

    port = mkOption {
      type = types.port;
      default = 51820;
      description = "The UDP port, which the router forwards to this machine.";
    };

    endpoint = mkOption {
      type = types.strMatching "[^ ]+:[0-9]+";
      example = "vpn.example.com:51820";
      description = "Where devices find this machine from outside.";
    };

    secret = mkOption {
      type = bootsteadLib.secretReference;
      default = "secret:wireguard-key";
      description = "The secret with the private key, of `wg genkey`.";
    };

    publicKey = mkOption {
      type = types.nullOr key;
      default = null;
      description = "The public key that belongs to `secret`, for devices' configurations. `bootstead access peer add` sets it.";
    };

    addresses = mkOption {
      type = types.nonEmptyListOf types.str;
      default = [ "10.90.0.1/24" ];
      description = "This machine's addresses in the tunnel, with the length of their network.";
    };

    networks = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "192.0.2.0/24" ];
      description = "The networks of the house that devices may reach.";
    };

    masquerade = mkOption {
      type = types.bool;
      default = true;
      description = ''
        Let devices appear with this machine's address, so that nothing else has to know a route back. Without it the
        router needs a route to the tunnel's network over this machine.
      '';
    };

    externalInterface = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "enp3s0";
      description = "The interface towards the house, for `masquerade`.";
    };

    nameServers = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "192.0.2.10" ];
      description = "The name servers that devices use.";
    };

    peers = mkOption {
      type = types.attrsOf (
        types.submodule {
          options = {
            publicKey = mkOption {
              type = types.nullOr key;
              default = null;
              description = "The device's public key. Null: it has none yet; `bootstead access peer add`, or `bootstead-wireguard-peer NAME` on the machine, makes one.";
            };
            addresses = mkOption {
              type = types.nonEmptyListOf (types.strMatching "[0-9a-f.:]+");
              example = [ "10.90.0.2" ];
              description = "The device's addresses in the tunnel, without a length.";
            };
            fullTunnel = mkOption {
              type = types.bool;
              default = false;
              description = "Whether the device sends all its traffic here, or what is for `networks` only.";
            };
            presharedKey = mkOption {
              type = types.nullOr bootsteadLib.secretReference;
              default = null;
              example = "secret:wireguard-laptop";
              description = "The secret with a further key that both sides have.";
            };
          };
        }
      );
      default = { };
      description = "Devices.";
    };
  };

  config = lib.mkIf cfg.enable {
    assertions = [
      {
        assertion = cfg.masquerade -> cfg.externalInterface != null;
        message = "bootstead.access.wireguard.externalInterface: name the interface towards the house, or turn masquerade off and give the router a route.";
      }
      {
        assertion = lib.allUnique (lib.concatMap (peer: peer.addresses) (lib.attrValues cfg.peers));
        message = "bootstead.access.wireguard.peers: two devices have the same address.";
      }
    ];

    bootstead.secrets =
      lib.genAttrs
        (
          map bootsteadLib.secretName (
            [ cfg.secret ]
            ++ lib.filter (reference: reference != null) (
              map (peer: peer.presharedKey) (lib.attrValues knownPeers)
            )
          )
        )
        (_: {
          units = [ "wireguard-${cfg.interface}.service" ];
        });

    # A unit of its own: systemd-networkd would wait for the key, which comes over the network that it brings up.
    networking.wireguard.useNetworkd = false;
    networking.wireguard.interfaces.${cfg.interface} = {
      ips = cfg.addresses;
      listenPort = cfg.port;
      privateKeyFile = bootsteadLib.secretPath cfg.secret;
      peers = lib.mapAttrsToList (name: peer: {
        inherit name;
        inherit (peer) publicKey;
        allowedIPs = map hostNetwork peer.addresses;
        presharedKeyFile = lib.mkIf (peer.presharedKey != null) (bootsteadLib.secretPath peer.presharedKey);
      }) knownPeers;
    };

    boot.kernel.sysctl = {
      "net.ipv4.conf.all.forwarding" = lib.mkOverride 96 true;
      "net.ipv6.conf.all.forwarding" = lib.mkOverride 96 true;
    };
    networking.nat = lib.mkIf cfg.masquerade {
      enable = true;
      internalInterfaces = [ cfg.interface ];
      inherit (cfg) externalInterface;
    };
    networking.firewall.allowedUDPPorts = [ cfg.port ];
    bootstead.access.vpnNetworks = cfg.addresses;
    environment.systemPackages = [ addPeer ];
  };
}
