import ArgumentParser

/// Load generators, the same for Bootstead and for what it is measured against.
@main
struct BootsteadBench: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bootstead-bench",
    abstract: "Measure boot servers.",
    discussion: "Each command prints its figures as lines of a name and a value.",
    subcommands: [
      DHCPBench.self, AvalancheBench.self, TFTPBench.self, HTTPBench.self, ClosureBench.self, MachineBench.self,
    ])
}

/// Prints one figure.
func printFigure(_ name: String, _ value: some CustomStringConvertible) { print(name, value) }

/// Prints a measured number with three decimal places at most.
func printFigure(_ name: String, _ value: Double) { print(name, (value * 1000).rounded() / 1000) }
