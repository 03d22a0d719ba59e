# The agent: reports to the appliance, and does what the other units ask of it.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.bootstead.agent;
  stays = cfg.report.mode == "stay";
in
{
  options.bootstead.agent = {
    enable = mkOption {
      type = types.bool;
      default = true;
      description = "Whether the agent runs. Without it the appliance does not hear of this machine.";
    };

    package = mkOption {
      type = types.nullOr types.package;
      default =
        if cfg.executable == null then
          null
        else
          pkgs.runCommand "bootstead-agent" { } ''
            install -D -m 0755 ${cfg.executable} $out/bin/bootstead-agent
          '';
      defaultText = lib.literalMD "made from `bootstead.agent.executable`, where that is given";
      description = "The package with `bin/bootstead-agent`.";
    };

    executable = mkOption {
      type = types.nullOr types.path;
      default = null;
      example = lib.literalExpression "./bootstead-agent";
      description = "The agent's executable, which is one static file.";
    };

    program = mkOption {
      type = types.str;
      readOnly = true;
      default =
        if cfg.package == null then
          "/var/lib/bootstead/bootstead-agent"
        else
          "${cfg.package}/bin/bootstead-agent";
      defaultText = lib.literalMD "the package's, otherwise `/var/lib/bootstead/bootstead-agent`";
      description = "What the units run. Without a package it is a file outside of the store, which the installer or you put there.";
    };

    appliance = {
      url = mkOption {
        type = types.nullOr (types.strMatching "https?://[^/@ ]+(/[^@ ]*)?");
        default = null;
        example = "http://192.0.2.2:8080";
        description = "Where the appliance answers.";
      };
      publicKey = mkOption {
        type = types.nullOr types.str;
        default = null;
        description = "The key that the agent checks the appliance's answers with.";
      };
      cacheKey = mkOption {
        type = types.nullOr (types.strMatching "[^: ]+:[A-Za-z0-9+/]+=*");
        default = null;
        example = "appliance-1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        description = "The public key of the appliance's binary cache. With it, Nix on this machine takes store paths from there too.";
      };
    };

    report = {
      mode = mkOption {
        type = types.enum [
          "stay"
          "timer"
        ];
        default = "stay";
        description = "`stay` keeps one process that reports and carries out what the appliance asks for, as `rebuild --now`. `timer` reports and ends.";
      };
      interval = mkOption {
        type = types.str;
        default = "5min";
        description = "With `timer`: how often, as systemd writes time spans.";
      };
    };
  };

  config = lib.mkIf cfg.enable {
    environment.etc."bootstead/agent.json".source = (pkgs.formats.json { }).generate "bootstead-agent.json" {
      schema = 1;
      inherit (config.bootstead.machine) name;
      appliance = lib.filterAttrs (_: value: value != null) cfg.appliance;
    };
    environment.systemPackages = lib.optional (cfg.package != null) cfg.package;

    nix.settings = lib.mkIf (cfg.appliance.url != null && cfg.appliance.cacheKey != null) {
      extra-substituters = [ "${lib.removeSuffix "/" cfg.appliance.url}/cache" ];
      extra-trusted-public-keys = [ cfg.appliance.cacheKey ];
    };

    systemd.services.bootstead-report = {
      description = "Report to the Bootstead appliance";
      wantedBy = lib.optional stays "multi-user.target";
      wants = [ "network-online.target" ];
      after = [ "network-online.target" ];
      unitConfig.ConditionFileIsExecutable = cfg.program;
      # The agent looks how full pools and file systems are.
      path = [
        pkgs.lvm2
        pkgs.util-linux
      ]
      ++ lib.optional (config.boot.supportedFilesystems.zfs or false) config.boot.zfs.package;
      serviceConfig = {
        ExecStart = "${cfg.program} report${lib.optionalString stays " --stay"}";
      }
      // (
        if stays then
          {
            Type = "exec";
            Restart = "always";
            RestartSec = 30;
          }
        else
          { Type = "oneshot"; }
      );
    };
    systemd.timers.bootstead-report = lib.mkIf (!stays) {
      wantedBy = [ "timers.target" ];
      timerConfig = {
        OnBootSec = "30s";
        OnUnitActiveSec = cfg.report.interval;
        RandomizedDelaySec = "30s";
      };
    };
  };
}
