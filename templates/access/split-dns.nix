# The house's name server answers each route with the proxy's own address, so that traffic stays inside.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  inherit (lib) mkOption types;
  access = config.bootstead.access;
  cfg = access.split-dns;
  # The public name of a route leads to the proxy as well, from inside.
  rewrites = lib.listToAttrs (
    map (name: lib.nameValuePair name access.proxyAddress) (
      lib.concatMap (route: route.names) (lib.attrValues access.allRoutes)
    )
  );
in
{
  options.bootstead.access.split-dns = {
    enable = lib.mkEnableOption "answers of the house's name server for all routes";

    nameServers = mkOption {
      type = types.nonEmptyListOf types.str;
      example = [
        "192.0.2.11"
        "192.0.2.12"
      ];
      description = ''
        The name servers of the house, as the router's DHCP server is to announce them: only these, no other beside them,
        because clients ask any of those they are given.
      '';
    };
  };

  config = lib.mkIf cfg.enable {
    assertions = [
      {
        assertion = access.proxyAddress != null;
        message = "bootstead.access.proxyAddress: split DNS leads the routes' names there; set it to the proxy's address.";
      }
    ];
    # Where this machine is the name server; otherwise the file tells what to enter there.
    bootstead.roles.dns.rewrites = lib.mkIf (access.proxyAddress != null) rewrites;
    environment.etc."bootstead/split-dns.json" = lib.mkIf (access.proxyAddress != null) {
      source = (pkgs.formats.json { }).generate "split-dns.json" {
        inherit rewrites;
        inherit (cfg) nameServers;
        # Browsers with DNS over HTTPS of their own do not ask these name servers. NXDOMAIN for this name turns that off
        # in Firefox; AdGuard Home and Pi-hole answer so by themselves.
        refuse = [ "use-application-dns.net" ];
      };
    };
  };
}
