# Name server of the house: filters, answers the house's own names, and has a second of its kind.
{
  config,
  lib,
  pkgs,
  bootsteadLib,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.bootstead.roles.dns;
  isPihole = cfg.server == "pihole";
  sync = cfg.secondary;
  hash = cfg.administrator.passwordHash;
  # Stands in the settings, which lie in the store, until the service starts.
  placeholder = "@password@";
in
{
  options.bootstead.roles.dns = {
    enable = lib.mkEnableOption "a filtering name server for the network";

    server = mkOption {
      type = types.enum [
        "adguardhome"
        "pihole"
      ];
      default = "adguardhome";
      description = "The program.";
    };

    upstreams = mkOption {
      type = types.nonEmptyListOf types.str;
      default = [
        "https://dns.quad9.net/dns-query"
        "https://cloudflare-dns.com/dns-query"
      ];
      description = "Where other names are asked. Pi-hole takes addresses only, without encryption.";
    };

    bootstrap = mkOption {
      type = types.nonEmptyListOf types.str;
      default = [
        "9.9.9.9"
        "2620:fe::fe"
      ];
      description = "Addresses that resolve the names of `upstreams`, and Pi-hole's upstreams.";
    };

    rewrites = mkOption {
      type = types.attrsOf types.str;
      default = { };
      example = {
        "git.lan.example.com" = "192.0.2.11";
        "*.lan.example.com" = "192.0.2.11";
      };
      description = ''
        The house's own names and their addresses. `bootstead.access.split-dns` fills this from the routes.
        A name with `*.` stands for all below it.
      '';
    };

    blockLists = mkOption {
      type = types.attrsOf types.str;
      default = {
        "AdGuard DNS filter" = "https://adguardteam.github.io/HostlistsRegistry/assets/filter_1.txt";
      };
      description = "Lists of names that get no answer, by title.";
    };

    webPort = mkOption {
      type = types.port;
      default = 3000;
      description = "Where the web page is, on this machine alone unless `webFrom` says otherwise; give it a route.";
    };

    webFrom = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "192.0.2.12" ];
      description = "Networks that may reach the web page. A secondary has to be among them on its primary.";
    };

    administrator = {
      name = mkOption {
        type = types.str;
        default = "admin";
        description = "Who logs in at AdGuard Home's page.";
      };

      passwordHash = mkOption {
        type = types.nullOr bootsteadLib.secretReference;
        default = null;
        example = "secret:adguardhome-password";
        description = ''
          The secret with the bcrypt hash of the password, as `mkpasswd -m bcrypt` prints it. Null: AdGuard Home's page has
          no login, and is to be reached over a route that has one.
        '';
      };
    };

    secondary = {
      enable = lib.mkEnableOption "following another name server: its settings are copied here (AdGuard Home)";

      primary = mkOption {
        type = types.str;
        example = "http://192.0.2.11:3000";
        description = "The page of the primary.";
      };

      image = mkOption {
        type = types.strMatching "[^ @]+@sha256:[0-9a-f]{64}";
        example = "ghcr.io/bakito/adguardhome-sync@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
        description = "The image of adguardhome-sync, with its digest.";
      };

      secret = mkOption {
        type = bootsteadLib.secretReference;
        default = "secret:adguardhome-sync";
        description = ''
          The secret with the logins: lines `ORIGIN_USERNAME=…`, `ORIGIN_PASSWORD=…`, `REPLICA1_USERNAME=…`,
          `REPLICA1_PASSWORD=…`.
        '';
      };

      schedule = mkOption {
        type = types.str;
        default = "*/10 * * * *";
        description = "How often settings are copied, as cron has it.";
      };
    };
  };

  config = lib.mkIf cfg.enable (
    lib.mkMerge [
      {
        # Port 53 is taken by systemd's own stub otherwise.
        services.resolved.enable = false;
        networking.nameservers = lib.mkDefault [ "127.0.0.1" ];

        networking.firewall = lib.mkMerge [
          {
            allowedTCPPorts = [ 53 ];
            allowedUDPPorts = [ 53 ];
          }
          (import ../lib/firewall.nix { inherit lib config; } {
            from = cfg.webFrom;
            tcp = [ cfg.webPort ];
          })
        ];

        assertions = [
          {
            assertion = sync.enable -> !isPihole;
            message = "bootstead.roles.dns.secondary copies settings of AdGuard Home only; set bootstead.roles.dns.server to \"adguardhome\", or give both Pi-holes the same machine.json settings.";
          }
        ];
      }

      (lib.mkIf (!isPihole) {
        services.adguardhome = {
          enable = true;
          # What is declared wins at each start; a secondary keeps what it was sent.
          mutableSettings = sync.enable;
          host = if cfg.webFrom == [ ] then "127.0.0.1" else "0.0.0.0";
          port = cfg.webPort;
          settings = {
            users = lib.mkIf (hash != null) [
              {
                inherit (cfg.administrator) name;
                password = placeholder;
              }
            ];
            dns = {
              bind_hosts = [
                "0.0.0.0"
                "::"
              ];
              upstream_dns = cfg.upstreams;
              bootstrap_dns = cfg.bootstrap;
            };
            filtering = {
              filtering_enabled = true;
              rewrites = lib.mapAttrsToList (domain: answer: {
                inherit domain answer;
                enabled = true;
              }) cfg.rewrites;
            };
            filters = lib.imap1 (id: name: {
              enabled = true;
              inherit id name;
              url = cfg.blockLists.${name};
            }) (lib.attrNames cfg.blockLists);
          };
        };
      })

      (lib.mkIf (!isPihole && hash != null) {
        bootstead.secrets.${bootsteadLib.secretName hash}.units = [ "adguardhome.service" ];
        systemd.services.adguardhome = {
          serviceConfig.LoadCredential = [ "password:${bootsteadLib.secretPath hash}" ];
          preStart = lib.mkAfter ''
            ${lib.getExe pkgs.replace-secret} '${placeholder}' "$CREDENTIALS_DIRECTORY/password" "$STATE_DIRECTORY/AdGuardHome.yaml"
          '';
        };
      })

      (lib.mkIf isPihole {
        services.pihole-ftl = {
          enable = true;
          openFirewallDNS = true;
          lists = lib.mapAttrsToList (description: url: { inherit description url; }) cfg.blockLists;
          settings = {
            dns = {
              upstreams = cfg.bootstrap;
              hosts = lib.mapAttrsToList (name: address: "${address} ${name}") (
                lib.filterAttrs (name: _: !lib.hasPrefix "*." name) cfg.rewrites
              );
              # Answers to other networks of the house as well; the firewall is what keeps the internet out.
              listeningMode = "ALL";
            };
            misc.dnsmasq_lines = lib.mapAttrsToList (
              name: address: "address=/${lib.removePrefix "*." name}/${address}"
            ) (lib.filterAttrs (name: _: lib.hasPrefix "*." name) cfg.rewrites);
          };
        };
        services.pihole-web = {
          enable = true;
          ports = [ cfg.webPort ];
        };
      })

      (lib.mkIf sync.enable {
        bootstead.secrets.${bootsteadLib.secretName sync.secret}.units = [
          "${config.virtualisation.oci-containers.backend}-adguardhome-sync.service"
        ];
        virtualisation.oci-containers = {
          backend = lib.mkDefault (if config.bootstead.roles.docker-host.enable then "docker" else "podman");
          containers.adguardhome-sync = {
            inherit (sync) image;
            cmd = [ "run" ];
            environment = {
              ORIGIN_URL = sync.primary;
              REPLICA1_URL = "http://127.0.0.1:${toString cfg.webPort}";
              CRON = sync.schedule;
              RUN_ON_START = "true";
              API_PORT = "0";
            };
            environmentFiles = [ (bootsteadLib.secretPath sync.secret) ];
            # The replica answers on the loopback interface.
            extraOptions = [ "--network=host" ];
          };
        };
      })
    ]
  );
}
