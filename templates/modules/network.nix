# Addresses by systemd-networkd. Cards are matched by MAC address, never by name: a name depends on the slot.
{ config, lib, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.bootstead.machine;
  inherit (cfg.network) interfaces;

  addressOptions = {
    addresses = mkOption {
      type = types.listOf (types.strMatching "[0-9a-f:.]+/[0-9]{1,3}");
      default = [ ];
      example = [
        "192.0.2.5/24"
        "2001:db8::5/64"
      ];
      description = "Fixed addresses, each with its prefix length.";
    };
    dhcp = mkOption {
      type = types.nullOr types.bool;
      default = null;
      description = "Whether to ask for an address. `null` asks where no fixed one is given.";
    };
    gateway = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "192.0.2.1";
      description = "The IPv4 router.";
    };
    gateway6 = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "2001:db8::1";
      description = "The IPv6 router, where router advertisements do not tell it.";
    };
    nameServers = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "192.0.2.53" ];
      description = "DNS servers beside those that DHCP tells.";
    };
    bridge = mkOption {
      type = types.nullOr (types.strMatching "[a-z][a-z0-9-]{0,14}");
      default = null;
      example = "br0";
      description = "A bridge that this becomes a port of; the addresses then are the bridge's. Virtual machines join it.";
    };
  };

  vlanType = types.submodule {
    options = addressOptions // {
      id = mkOption {
        type = types.ints.between 1 4094;
        example = 30;
        description = "The VLAN's number. Its interface is called `vlan` and the number.";
      };
    };
  };

  interfaceType = types.submodule {
    options = addressOptions // {
      mac = mkOption {
        type = types.strMatching "[0-9a-f]{2}(:[0-9a-f]{2}){5}";
        example = "52:54:00:12:34:56";
        description = "The card's MAC address.";
      };
      vlans = mkOption {
        type = types.listOf vlanType;
        default = [ ];
        description = "VLANs that reach the card tagged.";
      };
    };
  };

  vlans = lib.concatMap (interface: interface.vlans) interfaces;
  vlanName = vlan: "vlan${toString vlan.id}";
  # Everything that has addresses or is a bridge's port.
  ports = interfaces ++ vlans;
  bridged = lib.groupBy (port: port.bridge) (builtins.filter (port: port.bridge != null) ports);

  # A card, and not a bridge or VLAN on top of it, which has the same address.
  card = mac: {
    MACAddress = mac;
    Type = "ether";
    Kind = "!*";
  };

  # The addresses of a port, or of a bridge out of all its ports.
  addressing =
    those:
    let
      first = field: lib.findFirst (value: value != null) null (map (port: port.${field}) those);
      all = field: lib.concatMap (port: port.${field}) those;
      addresses = all "addresses";
      dhcp = if first "dhcp" == null then addresses == [ ] else first "dhcp";
    in
    {
      networkConfig.DHCP = if dhcp then "yes" else "no";
      address = addresses;
      gateway = builtins.filter (router: router != null) [
        (first "gateway")
        (first "gateway6")
      ];
      dns = lib.unique (all "nameServers");
      domains = lib.optional (cfg.network.domain != null) cfg.network.domain;
    };

  portConfig =
    port:
    if port.bridge != null then
      {
        networkConfig.Bridge = port.bridge;
        linkConfig.RequiredForOnline = "enslaved";
      }
    else
      addressing [ port ];

  interfaceNetwork = interface: {
    name = "20-${lib.replaceStrings [ ":" ] [ "" ] interface.mac}";
    value = lib.mkMerge [
      { matchConfig = card interface.mac; }
      (portConfig interface)
      { networkConfig.VLAN = lib.mkIf (interface.vlans != [ ]) (map vlanName interface.vlans); }
    ];
  };

  vlanNetwork = vlan: {
    name = "30-${vlanName vlan}";
    value = lib.mkMerge [
      { matchConfig.Name = vlanName vlan; }
      (portConfig vlan)
    ];
  };

  duplicates = list: lib.unique (builtins.filter (item: lib.count (other: other == item) list > 1) list);
  macs = map (interface: interface.mac) interfaces;
  foreign = lib.subtractLists cfg.addresses macs;
in
{
  options.bootstead.machine.network = {
    domain = mkOption {
      type = types.nullOr (types.strMatching "[a-z0-9-]+(\\.[a-z0-9-]+)*");
      default = null;
      example = "home.example.com";
      description = "The domain that the machine's name is in, and that short names are looked up in.";
    };

    interfaces = mkOption {
      type = types.listOf interfaceType;
      default = [ ];
      example = [
        {
          mac = "52:54:00:12:34:56";
          addresses = [ "192.0.2.5/24" ];
          gateway = "192.0.2.1";
        }
      ];
      description = "The network cards that need more than DHCP. Where none is listed, every card asks by DHCP.";
    };
  };

  config = {
    assertions =
      map (mac: {
        assertion = false;
        message = "bootstead.machine.network.interfaces: ${mac} is not among bootstead.machine.addresses; add it there, or correct it.";
      }) foreign
      ++ map (mac: {
        assertion = false;
        message = "bootstead.machine.network.interfaces: ${mac} is listed twice; put both into one.";
      }) (duplicates macs)
      ++ map (id: {
        assertion = false;
        message = "bootstead.machine.network.interfaces: VLAN ${toString id} is listed twice; one interface carries it.";
      }) (duplicates (map (vlan: vlan.id) vlans))
      ++ map (port: {
        assertion =
          port.addresses != [ ] || port.dhcp == true || (port.gateway == null && port.gateway6 == null);
        message = "bootstead.machine.network.interfaces: the gateway ${
          toString (if port.gateway != null then port.gateway else port.gateway6)
        } belongs to an interface without a fixed address; give it one, or leave the gateway to DHCP.";
      }) ports;

    networking = {
      useNetworkd = true;
      useDHCP = false;
      domain = cfg.network.domain;
    };
    systemd.network = {
      enable = true;
      # A card without a cable does not hold the start up.
      wait-online.anyInterface = lib.mkDefault true;
      netdevs =
        lib.listToAttrs (
          map (vlan: {
            name = "30-${vlanName vlan}";
            value = {
              netdevConfig = {
                Name = vlanName vlan;
                Kind = "vlan";
              };
              vlanConfig.Id = vlan.id;
            };
          }) vlans
        )
        // lib.mapAttrs' (bridge: members: {
          name = "40-${bridge}";
          value.netdevConfig = {
            Name = bridge;
            Kind = "bridge";
          }
          # The bridge keeps the card's address, so that DHCP goes on giving the same lease.
          // lib.optionalAttrs (builtins.head members ? mac) { MACAddress = (builtins.head members).mac; };
        }) bridged;
      networks = lib.mkMerge [
        (lib.listToAttrs (map interfaceNetwork interfaces))
        (lib.listToAttrs (map vlanNetwork vlans))
        (lib.mapAttrs' (bridge: members: {
          name = "40-${bridge}";
          value = lib.mkMerge [
            { matchConfig.Name = bridge; }
            (addressing members)
          ];
        }) bridged)
        # Where no card is listed, all ask by DHCP.
        (lib.mkIf (interfaces == [ ]) (
          lib.listToAttrs (
            map (mac: {
              name = "20-${lib.replaceStrings [ ":" ] [ "" ] mac}";
              value = {
                matchConfig = card mac;
                networkConfig.DHCP = "yes";
                domains = lib.optional (cfg.network.domain != null) cfg.network.domain;
              };
            }) cfg.addresses
          )
        ))
      ];
    };
  };
}
