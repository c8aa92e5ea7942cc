import { Command } from "commander";
import { ANCHOR_DAY_MAX } from "../kernel/period.js";
import { ORG_ROLES, ORG_TYPES, type OrgType } from "../tenants/organization.js";
import { isOrgName, ORG_NAME_RULE, registerOrganization } from "../tenants/register.js";
import { type CommonOptions, command } from "./command.js";
import { type Local, requirePlan, requireUser, withLocal } from "./local.js";
import {
  addMember,
  changeSeats,
  type MemberOptions,
  readSeats,
  removeMember,
} from "./org-members.js";
import { showOne } from "./org-show.js";
import {
  changeLimits,
  changePlan,
  changeSpendingLimit,
  type LimitOptions,
  printOrganization,
} from "./org-terms.js";
import { show, table, UserError } from "./output.js";
import { withRates } from "./rates.js";
import { readWhole } from "./read.js";

type CreateOptions = CommonOptions & {
  readonly plan: string;
  readonly type: string;
  readonly seats: string;
  readonly owner?: string;
  readonly anchorDay: string;
};

export const org = new Command("org")
  .description("organizations, which pay for their members")
  .addCommand(
    command("create", "make an organization")
      .argument("<name>")
      .option("--plan <plan>", "team, enterprise, …", "team")
      .option("--type <type>", ORG_TYPES.join(" or "), "customer")
      .option("--seats <number>", "how many members it may have", "1")
      .option("--owner <user>", "who runs it, and takes a seat; without one, whoever operates this")
      .option("--anchor-day <day>", "the day of the month on which its periods begin", "1")
      .action((name: string, options: CreateOptions) =>
        withLocal(options, (local) => create(local, name, options)),
      ),
  )
  .addCommand(
    command("list", "all organizations").action((options: CommonOptions) =>
      withLocal(options, (local) => list(local, options)),
    ),
  )
  .addCommand(
    command("show", "one organization, its members and resource groups")
      .argument("<name>")
      .action((name: string, options: CommonOptions) =>
        withLocal(options, (local) => showOne(local, name, options)),
      ),
  )
  .addCommand(
    command("add-member", "give a user one of the seats")
      .argument("<org>")
      .argument("<user>")
      .option("--role <role>", ORG_ROLES.join(", "), "member")
      .action((name: string, user: string, options: MemberOptions) =>
        withLocal(options, (local) => addMember(local, name, user, options)),
      ),
  )
  .addCommand(
    command("remove-member", "take a user's seat; what they bill from then on they pay themselves")
      .argument("<org>")
      .argument("<user>")
      .action((name: string, user: string, options: CommonOptions) =>
        withLocal(options, (local) => removeMember(local, name, user, options)),
      ),
  )
  .addCommand(
    command("seats", "change how many members an organization may have")
      .argument("<org>")
      .argument("<number>")
      .action((name: string, seats: string, options: CommonOptions) =>
        withLocal(options, (local) => changeSeats(local, name, seats, options)),
      ),
  )
  .addCommand(
    command("plan", "change an organization's plan")
      .argument("<org>")
      .argument("<plan>")
      .action((name: string, plan: string, options: CommonOptions) =>
        withLocal(options, (local) => changePlan(local, name, plan, options)),
      ),
  )
  .addCommand(
    command("spending-limit", "what it may spend each period beyond its credit (pay-as-you-go)")
      .argument("<org>")
      .argument("<dollars>", 'like 25.00; or "plan" for what the plan says')
      .action((name: string, dollars: string, options: CommonOptions) =>
        withLocal(options, (local) => changeSpendingLimit(local, name, dollars, options)),
      ),
  )
  .addCommand(
    withRates(
      command("limit", "the most that is spent in a calendar month, credit and all, or asked for"),
      ', or "none"; not for a group',
    )
      .argument("<org>")
      .argument("[dollars]", 'like 25.00; or "none"')
      .option("--member <user>", "for one member")
      .option("--group <id>", "for one resource group")
      .action((name: string, dollars: string | undefined, options: LimitOptions) =>
        withLocal(options, (local) => changeLimits(local, name, dollars, options)),
      ),
  );

async function create(local: Local, name: string, options: CreateOptions): Promise<void> {
  if (!isOrgName(name)) throw new UserError(`"${name}" cannot be a name: ${ORG_NAME_RULE}.`);
  requirePlan(local, options.plan);
  const type = readType(options.type);
  const seats = readSeats("--seats", options.seats);
  const anchorDay = readWhole("--anchor-day", options.anchorDay, [1, ANCHOR_DAY_MAX]);
  const owner = options.owner === undefined ? undefined : await requireUser(local, options.owner);
  const wanted = { name, plan: options.plan, seats, anchorDay, ownerId: owner?.id, type };
  const made = await registerOrganization(local.organizations, wanted, Date.now());
  show(
    options,
    { org: printOrganization(made) },
    () => `Made ${name} (plan ${made.plan}, seats: ${seats}).`,
  );
}

function readType(text: string): OrgType {
  const type = ORG_TYPES.find((each) => each === text);
  if (type) return type;
  throw new UserError(`--type: expected ${ORG_TYPES.join(" or ")}`);
}

async function list(local: Local, options: CommonOptions): Promise<void> {
  const { organizations, members } = await local.organizations.loadAll();
  const rows = organizations.map((each) => ({
    ...printOrganization(each),
    members: members.filter(({ orgId }) => orgId === each.id).length,
  }));
  show(options, { orgs: rows }, () =>
    table(
      ["name", "plan", "seats", "members"],
      rows.map((row) => [row.name, row.plan, String(row.seats), String(row.members)]),
    ),
  );
}
