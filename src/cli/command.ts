import { Command } from "commander";
import type { Flags } from "../config/config.js";
import type { Output } from "./output.js";

/** A command with the options that all of them take. */
export function command(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .option("--data <folder>", "the data folder (default ./.turnpike)")
    .option("--config <file>", "the configuration file (default ./turnpike.yaml)")
    .option("--json", "print JSON for programs", false);
}

export type CommonOptions = Flags & Output;
