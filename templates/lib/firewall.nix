# Ports that only some networks may reach, for either firewall of NixOS. Gives a value for `networking.firewall`.
{ lib, config }:
{
  # Addresses or networks, IPv4 and IPv6. Empty: nobody.
  from,
  # Numbers, or ranges as "1000-2000".
  tcp ? [ ],
  udp ? [ ],
  # Names of interfaces; empty: all.
  interfaces ? [ ],
}:
let
  combinations = lib.filter (rule: rule.ports != [ ]) (
    map
      (
        rule:
        rule
        // {
          family = if lib.hasInfix ":" rule.network then "ip6" else "ip";
          ports = map toString (if rule.protocol == "tcp" then tcp else udp);
        }
      )
      (
        lib.cartesianProduct {
          network = from;
          interface = if interfaces == [ ] then [ null ] else interfaces;
          protocol = [
            "tcp"
            "udp"
          ];
        }
      )
  );
  rules = format: lib.concatMapStrings format combinations;
in
{
  extraInputRules = lib.mkIf config.networking.nftables.enable (
    rules (
      rule:
      lib.optionalString (rule.interface != null) "iifname \"${rule.interface}\" "
      + "${rule.family} saddr ${rule.network} ${rule.protocol} dport { ${lib.concatStringsSep ", " rule.ports} } accept\n"
    )
  );
  extraCommands = lib.mkIf (!config.networking.nftables.enable) (
    rules (
      rule:
      "${if rule.family == "ip6" then "ip6tables" else "iptables"} -w -A nixos-fw "
      + lib.optionalString (rule.interface != null) "-i ${rule.interface} "
      + "-s ${rule.network} -p ${rule.protocol} -m multiport --dports ${lib.replaceStrings [ "-" ] [ ":" ] (lib.concatStringsSep "," rule.ports)} -j nixos-fw-accept\n"
    )
  );
}
