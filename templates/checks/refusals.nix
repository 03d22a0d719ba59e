# What has to be refused, and what the refusal has to say.
{ base, lib, ... }:
let
  routed = import ./routed.nix { inherit lib; };
  inherit (base)
    thin
    volume
    withNetwork
    withSettings
    ;
  first = "52:54:00:12:34:56";
  withStacks =
    settings:
    thin
    // {
      roles = [ "docker-host" ];
      stacks = [ "photos" ];
      inherit settings;
    };
in
{
  # The schema.
  "schema/version" = {
    machine = thin // {
      schema = 2;
    };
    says = "schema: has to be 1";
  };
  "schema/missing-field" = {
    machine = removeAttrs thin [ "name" ];
    says = "name: is missing";
  };
  "schema/unknown-field" = {
    machine = thin // {
      hostname = "checked";
    };
    says = "hostname: there is no such field";
  };
  "schema/mac" = {
    machine = thin // {
      addresses = [
        first
        "5254.0012.3457"
      ];
    };
    says = "addresses[1]: \"5254.0012.3457\" is not possible here; expected a MAC address";
  };
  "schema/nested" = {
    machine = withNetwork [
      {
        mac = first;
        vlans = [ { id = 4095; } ];
      }
    ];
    says = "network.interfaces[0].vlans[0].id: 4095 is over 4094";
  };
  "schema/type" = {
    machine = thin // {
      roles = "docker-host";
    };
    says = "roles: has to be a list";
  };
  "schema/system" = {
    machine = thin // {
      system = "riscv64-linux";
    };
    says = "system: \"riscv64-linux\" is none of";
  };
  "schema/unstable-disk" = {
    machine = thin // {
      bootDisk = "/dev/sda";
    };
    says = "bootDisk: \"/dev/sda\" is not possible here";
  };
  "schema/password-in-url" = {
    machine = thin // {
      appliance.url = "http://user:password@192.0.2.2:8080";
    };
    says = "appliance.url";
  };
  "schema/module-outside" = {
    machine = thin // {
      modules = [ "../other.nix" ];
    };
    says = "modules[0]";
  };

  # Roles.
  "role/unknown" = {
    machine = thin // {
      roles = [ "docker-hots" ];
    };
    says = "roles[0]: there is no role \"docker-hots\"; known are ";
  };
  "role/excluded" = {
    machine = thin // {
      roles = [
        "golden"
        "docker-host"
      ];
    };
    says = "\"golden\" and \"docker-host\" exclude each other";
  };

  # Settings.
  "settings/unknown-option" = {
    machine = withSettings { storage.zsf.pools = { }; };
    says = "The option `bootstead.storage.zsf' does not exist";
  };
  "settings/wrong-type" = {
    machine = withSettings { agent.report.mode = "sometimes"; };
    says = "bootstead.agent.report.mode";
  };

  # The network.
  "network/foreign-card" = {
    machine = withNetwork [ { mac = "52:54:00:ff:ff:ff"; } ];
    says = "52:54:00:ff:ff:ff is not among bootstead.machine.addresses";
  };
  "network/card-twice" = {
    machine = withNetwork [
      { mac = first; }
      { mac = first; }
    ];
    says = "${first} is listed twice";
  };
  "network/gateway-without-address" = {
    machine = withNetwork [
      {
        mac = first;
        gateway = "192.0.2.1";
      }
    ];
    says = "belongs to an interface without a fixed address";
  };

  # Stacks.
  "stacks/unknown" = {
    machine = withStacks { } // {
      stacks = [ "fotos" ];
    };
    says = "there is no stack \"fotos\"; known are ";
  };
  "stacks/no-engine" = {
    machine = thin // {
      stacks = [ "photos" ];
    };
    says = "stacks need a container engine; add the role docker-host or podman-host";
  };
  "stacks/compiled-for-another" = {
    machine = builtins.fromJSON (builtins.readFile ./exported/machines/checked.json) // {
      name = "other";
    };
    modules = [
      {
        bootstead.stacks = {
          compiled = ./exported/stacks/checked.json;
          own.wiki = ./exported/stacks/wiki;
        };
      }
    ];
    says = "this was compiled for \"checked\" and not for \"other\"";
  };
  "stacks/compiled-for-others" = {
    machine = builtins.fromJSON (builtins.readFile ./exported/machines/checked.json) // {
      stacks = [
        "wiki"
        "uptime"
      ];
    };
    root = ./exported;
    says = "this was compiled for the stacks wiki, and the machine runs wiki, uptime";
  };
  "stacks/two-proxies" = {
    machine = withStacks { access.caddy-hub.enable = true; } // {
      stacks = [ "traefik" ];
    };
    says = "caddy-hub on the machine and the stack traefik both want ports 80 and 443";
  };
  "stacks/compiled-for-no-proxy" = {
    machine = builtins.fromJSON (builtins.readFile ./exported/machines/checked.json);
    root = ./exported;
    modules = [ { bootstead.access.caddy-hub.enable = true; } ];
    says = "the stacks were compiled for the reverse proxy \"none\", and the machine has caddy-hub";
  };
  "stacks/route-twice" = {
    inherit (routed) machine;
    root = ./exported;
    modules = [
      {
        bootstead.access.routes.pages = {
          upstream = "http://192.0.2.30:80";
          host = "wiki";
        };
      }
    ];
    says = "two routes have the name wiki.lan.example.com";
  };
  "stacks/tunnel-behind-stack" = {
    machine = lib.recursiveUpdate routed.stackMachine {
      settings.access.cloudflare-tunnel.enable = true;
    };
    root = ./exported;
    modules = [ routed.behindStack ];
    says = "only the reverse proxy's own stack reaches \"wiki\"";
  };
  "stacks/database-on-nfs" = {
    machine = withStacks {
      stacks.placement.db = "/data/db";
      storage.nfs.mounts.data = {
        server = "192.0.2.20";
        export = "/data";
        mountPoint = "/data";
      };
    };
    says = "/data/db is on NFS, where databases are damaged";
  };
  "stacks/downloads-elsewhere" = {
    machine =
      withStacks { }
      // {
        fileSystems = thin.fileSystems ++ [ (volume "media" 20) ];
      };
    says = "lie on different file systems";
  };

  # Backups.
  "backup/unknown-repository" = {
    machine = withStacks {
      backup.borg-per-service = {
        enable = true;
        repository = "nsa";
      };
    };
    says = "there is no repository \"nsa\"";
  };
  "backup/ping-of-no-plan" = {
    machine = withStacks {
      backup = {
        pings.typo = "secret:ping";
        db-dump.enable = true;
      };
    };
    says = "bootstead.backup.pings.typo: there is no plan";
  };
  "backup/stack-of-another-machine" = {
    machine = withStacks {
      backup.db-dump = {
        enable = true;
        stacks = [ "git" ];
      };
    };
    says = "this machine does not run \"git\"";
  };

  # The owner's modules.
  "module/missing" = {
    machine = thin // {
      modules = [ "modules/none.nix" ];
    };
    root = ./.;
    says = "machine.json: modules: there is no modules/none.nix";
  };
  "module/undefined-package" = {
    machine = thin // {
      modules = [ "broken/undefined.nix" ];
    };
    root = ./.;
    says = "attribute 'there-is-no-such-package' missing";
  };
  "module/unknown-option" = {
    machine = thin // {
      modules = [ "broken/option.nix" ];
    };
    root = ./.;
    says = "The option `services.thereIsNoSuchService' does not exist";
  };
}
