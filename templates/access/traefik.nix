# Traefik as the one door, with routes from files: nothing on the Docker socket can open one.
{ config, lib, ... }:
let
  inherit (lib) mkOption types;
  access = config.bootstead.access;
  cfg = access.traefik;
  isACME = access.certificate.mode == "acme";
  rule = route: lib.concatMapStringsSep " || " (name: "Host(`${name}`)") route.names;
  isPrivate = route: route.exposure != "public";
  middlewares =
    name: route:
    lib.optional (isPrivate route) (if route.exposure == "vpn" then "with-vpn" else "local-only")
    ++ lib.optional (access.login != null && lib.elem name access.login.routes) "login";
  transport =
    route:
    if route.upstreamName != null then
      { serverName = route.upstreamName; }
    else
      lib.optionalAttrs (route.hasOwnCertificate or false) { insecureSkipVerify = true; };
  certificate = config.security.acme.certs.bootstead.directory;
in
{
  options.bootstead.access.traefik = {
    enable = lib.mkEnableOption "Traefik as the reverse proxy of all routes";

    dashboard = mkOption {
      type = types.bool;
      default = false;
      description = "Traefik's dashboard, on port 8082 of this machine alone.";
    };
  };

  config = lib.mkIf cfg.enable {
    assertions = [
      {
        assertion = isACME;
        message = "bootstead.access.traefik: Traefik has no authority of its own; set bootstead.access.certificate.mode to \"acme\", or use caddy-hub.";
      }
    ];

    services.traefik = {
      enable = true;
      staticConfigOptions = {
        entryPoints = {
          web = {
            address = ":80";
            http.redirections.entryPoint = {
              to = "websecure";
              scheme = "https";
              permanent = true;
            };
          };
          websecure = {
            address = ":443";
            http.tls = { };
            http3 = { };
          };
        }
        // lib.optionalAttrs cfg.dashboard { traefik.address = "127.0.0.1:8082"; };
        global = {
          checkNewVersion = false;
          sendAnonymousUsage = false;
        };
        log.level = "WARN";
        accessLog.format = "json";
        api = lib.mkIf cfg.dashboard { insecure = true; };
      };
      dynamicConfigOptions = {
        http = {
          routers = lib.mapAttrs (
            name: route:
            {
              rule = rule route;
              entryPoints = [ "websecure" ];
              service = name;
              tls = { };
            }
            // lib.optionalAttrs (middlewares name route != [ ]) { middlewares = middlewares name route; }
          ) access.allRoutes;
          services = lib.mapAttrs (
            name: route: {
              loadBalancer = {
                servers = [ { url = route.upstream; } ];
              }
              // lib.optionalAttrs (transport route != { }) { serversTransport = name; };
            }
          ) access.allRoutes;
          middlewares = {
            # Not this machine itself: a tunnel that ends here would bring everybody in.
            local-only.ipAllowList.sourceRange = access.localNetworks;
            with-vpn.ipAllowList.sourceRange = access.localNetworks ++ access.vpnNetworks;
          }
          // lib.optionalAttrs (access.login != null) {
            login.forwardAuth = {
              address = "${access.login.address}${access.login.path}";
              authResponseHeaders = access.login.headers;
            };
          };
          serversTransports = lib.filterAttrs (_: options: options != { }) (
            lib.mapAttrs (_: transport) access.allRoutes
          );
        };
        tls.stores.default.defaultCertificate = lib.mkIf isACME {
          certFile = "${certificate}/fullchain.pem";
          keyFile = "${certificate}/key.pem";
        };
      };
    };
    systemd.services.traefik = lib.mkIf isACME {
      wants = [ "acme-bootstead.service" ];
      after = [ "acme-bootstead.service" ];
    };
    security.acme.certs = lib.mkIf isACME {
      bootstead = {
        group = config.services.traefik.group;
        # It reads certificates when it starts.
        postRun = "systemctl try-restart traefik.service";
      };
    };

    networking.firewall = {
      allowedTCPPorts = [
        80
        443
      ];
      allowedUDPPorts = [ 443 ];
    };
  };
}
