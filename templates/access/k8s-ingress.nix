# The way into a k3s cluster: addresses by MetalLB, routes by an ingress, certificates by cert-manager. And further
# charts, which the cluster itself fetches.
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
  cfg = access.k8s-ingress;
  yaml = pkgs.formats.yaml { };

  # The one place for versions and values of what is installed.
  inherit (lib.importJSON ../cluster/addons.json) addons;
  addon = name: lib.findFirst (entry: entry.name == name) null addons;

  inputs = {
    domain = toString access.zones.lan;
    ingressClass = cfg.ingress;
    inherit (cfg) issuer;
  };
  names = map (name: "{${name}}") (lib.attrNames inputs);
  # A list is one value: modules would add to it.
  filled =
    value:
    if lib.isString value then
      lib.replaceStrings names (lib.attrValues inputs) value
    else if lib.isList value then
      map filled value
    else if lib.isAttrs value then
      lib.mapAttrs (_: filled) value
    else
      value;

  chart = types.submodule (
    { name, ... }:
    let
      entry = addon name;
      known = if entry != null && entry.kind == "chart" then entry else null;
      from = field: lib.optionalAttrs (known != null) { default = known.${field}; };
      # Without a domain there is no name that it could have.
      values = lib.optionalAttrs (known != null) (
        if access.zones.lan == null || cfg.ingress == "none" then
          removeAttrs known.values [ "ingress" ]
        else
          known.values
      );
    in
    {
      config.values = lib.mapAttrsRecursive (_: lib.mkDefault) (filled values);
      options = {
        repository = mkOption (
          from "repository"
          // {
            type = types.strMatching "https://[^ ]+";
            example = "https://k8up-io.github.io/k8up";
            description = "Where the chart is.";
          }
        );
        chart = mkOption (
          from "chart"
          // {
            type = types.str;
            example = "k8up";
            description = "The chart's name there.";
          }
        );
        version = mkOption (
          from "version"
          // {
            type = types.strMatching "v?[0-9]+\\.[0-9]+\\.[0-9]+[^ ]*";
            example = "4.9.0";
            description = "Its version, whole.";
          }
        );
        namespace = mkOption (
          from "namespace"
          // {
            type = types.str;
            description = "The namespace, which is made.";
          }
        );
        values = mkOption {
          inherit (yaml) type;
          default = { };
          description = "The chart's values. Never secrets: they lie in the store.";
        };
      };
    }
  );

  helmChart = name: entry: {
    apiVersion = "helm.cattle.io/v1";
    kind = "HelmChart";
    metadata = {
      inherit name;
      namespace = "kube-system";
    };
    spec = {
      repo = entry.repository;
      inherit (entry) chart version;
      targetNamespace = entry.namespace;
      createNamespace = true;
      valuesContent = builtins.toJSON entry.values;
    };
  };
  isACME = access.certificate.mode == "acme";
  token = lib.head (lib.attrValues access.certificate.credentials);
in
{
  options.bootstead.access.k8s-ingress = {
    enable = lib.mkEnableOption "MetalLB, an ingress and cert-manager; on the machine with the role k3s-server-init";

    pool = mkOption {
      type = types.nonEmptyListOf types.str;
      example = [ "192.0.2.200-192.0.2.220" ];
      description = "The addresses that services of the cluster get. The router's DHCP server must not give them out.";
    };

    address = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "192.0.2.200";
      description = "The address of `pool` that routes lead to, for `traefik`. Null: the first one that is free.";
    };

    ingress = mkOption {
      type = types.enum [
        "traefik"
        "none"
      ];
      default = "traefik";
      description = ''
        What answers for the cluster's routes. k3s brings Traefik along, and makes its ingress class the default. `none`
        where one of `charts` brings another; take `traefik` out of k3s then, by `disable` of its role.
      '';
    };

    metallb = mkOption {
      type = types.str;
      default = (addon "metallb").version;
      description = "The version of MetalLB's chart.";
    };

    certManager = mkOption {
      type = types.str;
      default = (addon "cert-manager").version;
      description = "The version of cert-manager's chart.";
    };

    issuer = mkOption {
      type = types.str;
      default = "bootstead";
      description = ''
        The name of the cluster issuer: Let's Encrypt by DNS at Cloudflare where `bootstead.access.certificate.mode` is
        `acme`, otherwise an authority of the cluster's own.
      '';
    };

    charts = mkOption {
      type = types.attrsOf chart;
      default = { };
      example = lib.literalExpression ''
        {
          k8up = { };
          headlamp = { };
        }
      '';
      description = ''
        Further charts. `headlamp` and `k8up` have their repository, version and values, and need nothing else; Headlamp
        gets a route where `bootstead.access.zones.lan` is set, and its account no rights in the cluster.
      '';
    };
  };

  config = lib.mkIf cfg.enable {
    assertions = [
      {
        assertion = config.bootstead.roles.k3s-server-init.enable;
        message = "bootstead.access.k8s-ingress: manifests are laid down on the first server; give the machine the role \"k3s-server-init\", or turn this off.";
      }
      {
        assertion = lib.elem "servicelb" config.services.k3s.disable;
        message = "bootstead.roles.k3s-server-init.disable: k3s's own service balancer and MetalLB both answer for addresses; keep \"servicelb\" in the list.";
      }
      {
        assertion =
          cfg.ingress == "traefik" -> !lib.elem "traefik" config.services.k3s.disable;
        message = "bootstead.access.k8s-ingress.ingress is \"traefik\", which bootstead.roles.k3s-server-init.disable leaves out.";
      }
      {
        assertion = cfg.address != null -> cfg.ingress == "traefik";
        message = "bootstead.access.k8s-ingress.address is for \"traefik\", and ingress is \"none\"; give the other ingress its address in its chart's values.";
      }
      {
        assertion = isACME -> access.certificate.dnsProvider == "cloudflare" && access.certificate.email != null;
        message = "bootstead.access.certificate: the cluster issuer needs email, and dnsProvider \"cloudflare\"; others have webhooks of their own.";
      }
    ];

    services.k3s.manifests = {
      metallb.content = helmChart "metallb" {
        repository = "https://metallb.github.io/metallb";
        chart = "metallb";
        version = cfg.metallb;
        namespace = "metallb-system";
        inherit (addon "metallb") values;
      };
      cert-manager.content = helmChart "cert-manager" {
        repository = "https://charts.jetstack.io";
        chart = "cert-manager";
        version = cfg.certManager;
        namespace = "cert-manager";
        inherit (addon "cert-manager") values;
      };
      # k3s tries again until the charts above have brought the kinds of these.
      metallb-pool.content = [
        {
          apiVersion = "metallb.io/v1beta1";
          kind = "IPAddressPool";
          metadata = {
            name = "bootstead";
            namespace = "metallb-system";
          };
          spec.addresses = cfg.pool;
        }
        {
          apiVersion = "metallb.io/v1beta1";
          kind = "L2Advertisement";
          metadata = {
            name = "bootstead";
            namespace = "metallb-system";
          };
          spec.ipAddressPools = [ "bootstead" ];
        }
      ];
      issuer.content = [
        {
          apiVersion = "cert-manager.io/v1";
          kind = "ClusterIssuer";
          metadata.name = if isACME then cfg.issuer else "${cfg.issuer}-root";
          spec =
            if isACME then
              {
                acme = {
                  server = "https://acme-v02.api.letsencrypt.org/directory";
                  inherit (access.certificate) email;
                  privateKeySecretRef.name = "${cfg.issuer}-account";
                  solvers = [
                    {
                      dns01.cloudflare.apiTokenSecretRef = {
                        name = "dns-token";
                        key = "token";
                      };
                    }
                  ];
                };
              }
            else
              { selfSigned = { }; };
        }
      ]
      ++ lib.optionals (!isACME) [
        {
          apiVersion = "cert-manager.io/v1";
          kind = "Certificate";
          metadata = {
            name = "${cfg.issuer}-root";
            namespace = "cert-manager";
          };
          spec = {
            isCA = true;
            commonName = "${cfg.issuer} root";
            secretName = "${cfg.issuer}-root";
            privateKey = {
              algorithm = "ECDSA";
              size = 256;
            };
            issuerRef = {
              name = "${cfg.issuer}-root";
              kind = "ClusterIssuer";
            };
          };
        }
        {
          apiVersion = "cert-manager.io/v1";
          kind = "ClusterIssuer";
          metadata.name = cfg.issuer;
          spec.ca.secretName = "${cfg.issuer}-root";
        }
      ];
    }
    // lib.optionalAttrs (cfg.address != null) {
      # k3s brings the chart itself; what is set of it goes here.
      traefik-config.content = {
        apiVersion = "helm.cattle.io/v1";
        kind = "HelmChartConfig";
        metadata = {
          name = "traefik";
          namespace = "kube-system";
        };
        spec.valuesContent = builtins.toJSON {
          service.annotations."metallb.io/loadBalancerIPs" = cfg.address;
        };
      };
    }
    // lib.mapAttrs (name: entry: { content = helmChart name entry; }) cfg.charts;

    bootstead.secrets = lib.mkIf isACME { ${bootsteadLib.secretName token}.units = [ "bootstead-cluster-token.service" ]; };
    systemd.services.bootstead-cluster-token = lib.mkIf isACME {
      description = "Give the DNS token to cert-manager";
      after = [ "k3s.service" ];
      requires = [ "k3s.service" ];
      wantedBy = [ "multi-user.target" ];
      path = [ config.services.k3s.package ];
      serviceConfig = {
        Type = "oneshot";
        RemainAfterExit = true;
        Restart = "on-failure";
        RestartSec = 15;
        LoadCredential = [ "token:${bootsteadLib.secretPath token}" ];
      };
      # By a file and a pipe: a value on a command line is read by everybody on the machine.
      script = ''
        k3s kubectl get namespace cert-manager >/dev/null
        k3s kubectl --namespace cert-manager create secret generic dns-token \
          --from-file=token="$CREDENTIALS_DIRECTORY/token" --dry-run=client --output=yaml |
          k3s kubectl apply --filename=-
      '';
    };
  };
}
