# A machine whose graphics card works for others: transcoding, machine learning, language models.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.bootstead.roles.gpu-worker;
  isNvidia = cfg.vendor == "nvidia";
in
{
  options.bootstead.roles.gpu-worker = {
    enable = lib.mkEnableOption "a graphics card for containers and services";

    vendor = mkOption {
      type = types.enum [
        "nvidia"
        "amd"
        "intel"
      ];
      example = "nvidia";
      description = "Who made the card.";
    };

    nvidia = {
      open = mkOption {
        type = types.bool;
        default = true;
        example = false;
        description = "NVIDIA's open kernel modules. Cards before Turing (GTX 10 and older) need `false`.";
      };

      package = mkOption {
        type = types.raw;
        default = config.boot.kernelPackages.nvidiaPackages.stable;
        defaultText = lib.literalExpression "config.boot.kernelPackages.nvidiaPackages.stable";
        example = lib.literalExpression "config.boot.kernelPackages.nvidiaPackages.legacy_580";
        description = "The driver. Old cards need one of the legacy drivers.";
      };
    };

    languageModels = {
      enable = lib.mkEnableOption "Ollama on this card";

      models = mkOption {
        type = types.listOf types.str;
        default = [ ];
        example = [ "llama3.2:3b" ];
        description = "Models that are fetched when the service starts.";
      };
    };

    photoLearning = {
      enable = lib.mkEnableOption "Immich's machine learning for a photo server on another machine";

      image = mkOption {
        type = types.strMatching "[^ @]+@sha256:[0-9a-f]{64}";
        example = "ghcr.io/immich-app/immich-machine-learning@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
        description = "The image for this card, with its digest, of the same release as the photo server.";
      };

      port = mkOption {
        type = types.port;
        default = 3003;
        description = "Where it answers. Give the photo server `http://ADDRESS:PORT` as `IMMICH_MACHINE_LEARNING_URL`.";
      };
    };

    clients = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "192.0.2.14" ];
      description = "Addresses or networks that may use Ollama and machine learning; both have no login. Empty: this machine alone.";
    };
  };

  config = lib.mkIf cfg.enable (
    let
      ports =
        lib.optional cfg.languageModels.enable config.services.ollama.port
        ++ lib.optional cfg.photoLearning.enable cfg.photoLearning.port;
      listen = if cfg.clients == [ ] then "127.0.0.1" else "0.0.0.0";
    in
    {
      hardware.graphics = {
        enable = true;
        extraPackages = lib.mkIf (cfg.vendor == "intel") [
          pkgs.intel-media-driver
          pkgs.vpl-gpu-rt
        ];
      };

      # The driver's licence is not free.
      nixpkgs.config = lib.mkIf isNvidia {
        allowUnfreePredicate = lib.mkDefault (
          package:
          lib.any (prefix: lib.hasPrefix prefix (lib.getName package)) [
            "nvidia"
            "cuda"
            "libcu"
            "libn"
          ]
        );
      };
      services.xserver.videoDrivers = lib.mkIf isNvidia [ "nvidia" ];
      hardware.nvidia = lib.mkIf isNvidia {
        inherit (cfg.nvidia) open package;
        modesetting.enable = true;
        nvidiaPersistenced = true;
        nvidiaSettings = false;
      };
      # Containers name the card as `nvidia.com/gpu=all`.
      hardware.nvidia-container-toolkit.enable = isNvidia;

      services.ollama = lib.mkIf cfg.languageModels.enable {
        enable = true;
        host = listen;
        loadModels = cfg.languageModels.models;
        package =
          {
            nvidia = pkgs.ollama-cuda;
            amd = pkgs.ollama-rocm;
            intel = pkgs.ollama-vulkan;
          }
          .${cfg.vendor};
      };

      virtualisation.oci-containers = lib.mkIf cfg.photoLearning.enable {
        backend = if config.bootstead.roles.docker-host.enable then "docker" else "podman";
        containers.photo-learning = {
          inherit (cfg.photoLearning) image;
          ports = [ "${listen}:${toString cfg.photoLearning.port}:3003" ];
          volumes = [ "photo-learning-models:/cache" ];
          devices =
            if isNvidia then
              [ "nvidia.com/gpu=all" ]
            else
              [ "/dev/dri:/dev/dri" ] ++ lib.optional (cfg.vendor == "amd") "/dev/kfd:/dev/kfd";
        };
      };

      networking.firewall = import ../lib/firewall.nix { inherit lib config; } {
        from = cfg.clients;
        tcp = ports;
      };
    }
  );
}
