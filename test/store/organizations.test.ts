/** Organizations, what they are due, and what stands in their way, on each engine. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { newGroupId, newId } from "../../src/kernel/ids.js";
import { type NanoUsd, nanoUsd } from "../../src/kernel/money.js";
import type { LedgerStore } from "../../src/ledger/store.js";
import { changeFeed } from "../../src/store/changes.js";
import type { Database } from "../../src/store/database.js";
import { ledgerStore } from "../../src/store/ledger/ledger.js";
import { openStore } from "../../src/store/open.js";
import { organizationStore } from "../../src/store/tenants/organizations.js";
import { tenantStore } from "../../src/store/tenants/tenants.js";
import type {
  Invitation,
  Member,
  Organization,
  OrgRole,
  ResourceGroup,
} from "../../src/tenants/organization.js";
import type { LimitChanges } from "../../src/tenants/organization-store.js";
import { planOf } from "../../src/tenants/plan.js";
import { registerOrganization, registerUser } from "../../src/tenants/register.js";
import { manualClock } from "../support/clock.js";
import { AT, batchOf, grantOf, settlementOf, standing } from "../support/ledger.js";
import { postgresEngine, sqliteEngine } from "./engines.js";

const CONNECTIONS = 4;
const DAY = 86_400_000;
const FEBRUARY = Date.UTC(2026, 1, 1);
const PLANS = new Map([
  ["team", planOf("team", { monthlyCreditPerSeat: nanoUsd(200n), extraUsage: "pay_as_you_go" })],
]);

for (const engine of [sqliteEngine(), postgresEngine()]) {
  describe(`organizations in the ${engine.name} store`, () => {
    let place: string;
    let open: Database[];
    let database: Database;
    let store: LedgerStore;
    let org: Organization;
    let funds: string;
    let users: readonly string[];

    const another = async (): Promise<Database> => {
      const other = await openStore(place);
      open.push(other);
      return other;
    };
    const orgs = (on = database, now = AT) => organizationStore(on, "a", manualClock(now).clock);
    const user = (i: number): string => users[i] ?? "";
    const member = (i: number, role: OrgRole = "member"): Member => ({
      orgId: org.id,
      userId: user(i),
      role,
      limit: undefined,
      joinedAt: AT,
    });
    const join = (i: number, role?: OrgRole) => orgs().addMember(member(i, role));
    const group = (name: string): ResourceGroup => ({
      id: newGroupId(),
      orgId: org.id,
      name,
      limit: undefined,
      hasAccess: false,
      createdAt: AT,
      memberIds: new Set(),
    });
    const rows = () => orgs().load(org.id);
    const take = (node: string, need: bigint, bucketId = funds, now = AT) =>
      store.takeLease({ node, bucketId, need: nanoUsd(need), isAll: false, isSparing: true, now });
    const left = async (bucketId = funds, now = AT) => (await standing(store, bucketId, now)).left;
    const limit = (changes: LimitChanges, now = AT) =>
      orgs(database, now).setLimits(org.id, changes);
    const forMember = (i: number, amount: bigint | null): LimitChanges => ({
      members: new Map([[user(i), amount as NanoUsd | null]]),
    });

    beforeAll(async () => {
      await engine.start?.();
    });
    beforeEach(async () => {
      place = await engine.freshPlace();
      open = [];
      database = await another();
      store = ledgerStore(database, PLANS);
      const tenants = tenantStore(database, "a", manualClock().clock);
      const ids: string[] = [];
      for (const name of ["ada", "bob", "cyd", "dan"]) {
        const wanted = { name, plan: "team", role: "user" } as const;
        ids.push((await registerUser(tenants, wanted, AT)).user.id);
      }
      users = ids;
      const wanted = { name: "acme", plan: "team", seats: 3, anchorDay: 1, ownerId: ids[0] };
      org = await registerOrganization(orgs(), wanted, AT);
      funds = `org:${org.id}`;
      await store.openNode("a", AT);
    });
    afterEach(async () => {
      expect(await store.audit()).toMatchObject({ balanced: true, faults: [] });
      await Promise.all(open.map((each) => each.close()));
    });
    afterAll(engine.clean);

    describe("names", () => {
      test("are given once, to a user or an organization, also when both ask at the same moment", async () => {
        const wanted = { name: "new", plan: "team", seats: 1, anchorDay: 1, ownerId: undefined };
        const others = await Promise.all(Array.from({ length: CONNECTIONS }, another));
        const outcomes = await Promise.allSettled(
          others.flatMap((each) => [
            registerOrganization(orgs(each), wanted, AT),
            registerUser(
              tenantStore(each, "a", manualClock().clock),
              { name: "new", plan: "team", role: "user" },
              AT,
            ),
          ]),
        );
        expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
        const again = registerOrganization(orgs(), { ...wanted, name: "ada" }, AT);
        await expect(again).rejects.toThrow('a user or an organization "ada" already');
      });
    });

    describe("seats", () => {
      test("are taken one by one, the last one once, however many want it", async () => {
        expect(await join(1)).toBe("done");
        expect(await join(1)).toBe("already");
        const others = await Promise.all(Array.from({ length: CONNECTIONS }, another));
        const outcomes = await Promise.all(
          others.flatMap((each) => [
            orgs(each).addMember(member(2)),
            orgs(each).addMember(member(3)),
          ]),
        );
        expect(outcomes.filter((outcome) => outcome === "done")).toHaveLength(1);
        expect((await rows()).members).toHaveLength(3);
        expect(outcomes.filter((outcome) => outcome === "no_seat").length).toBeGreaterThan(3);
      });

      test("cannot be fewer than the members, and no member slips in while they become fewer", async () => {
        await join(1);
        expect(await orgs().setSeats(org.id, 1)).toBe(2);
        expect((await rows()).organizations[0]?.seats).toBe(3);
        const other = await another();
        for (let round = 0; round < 5; round++) {
          await orgs().setSeats(org.id, 3);
          const [seats, joined] = await Promise.all([
            orgs().setSeats(org.id, 2),
            orgs(other).addMember(member(2)),
          ]);
          expect([seats, joined]).toEqual(seats === "done" ? ["done", "no_seat"] : [3, "done"]);
          await orgs().removeMember(org.id, user(2));
        }
      });

      test("pool their credit: more of them top it up, fewer leave it until the period ends", async () => {
        expect(await left()).toBe(600n);
        await take("a", 150n);
        const account = `grant:${funds}:plan:2026-01`;
        const used = settlementOf("r1", { [account]: 150n }, { payer: funds });
        await store.applySettlements(batchOf("a", [used]));
        await orgs().setSeats(org.id, 5);
        expect(await left()).toBe(850n);
        await orgs().setSeats(org.id, 2);
        expect(await left()).toBe(850n);
        await orgs().setSeats(org.id, 4);
        expect(await left()).toBe(850n);
        expect(await left(funds, FEBRUARY)).toBe(800n);
      });
    });

    describe("members", () => {
      test("always have an owner among them", async () => {
        await join(1, "owner");
        expect(await orgs().setRole(org.id, user(0), "admin")).toBe("done");
        expect(await orgs().setRole(org.id, user(1), "member")).toBe("last_owner");
        expect(await orgs().removeMember(org.id, user(1))).toBe("last_owner");
        expect(await orgs().removeMember(org.id, user(2))).toBe("not_a_member");
        expect(await orgs().setRole(org.id, user(2), "admin")).toBe("not_a_member");
      });

      test("two owners that leave at the same moment do not both get away", async () => {
        const other = await another();
        await join(1, "owner");
        const outcomes = await Promise.all([
          orgs().removeMember(org.id, user(0)),
          orgs(other).removeMember(org.id, user(1)),
        ]);
        expect([...outcomes].sort()).toEqual(["done", "last_owner"]);
      });

      test("who leave are out of every group, and come back without what was set for them", async () => {
        const made = group("lab");
        await join(1);
        await orgs().addGroup(made);
        expect(await orgs().addToGroup(org.id, made.id, user(2))).toBe("not_a_member");
        expect(await orgs().addToGroup(org.id, made.id, user(1))).toBe("done");
        await limit(forMember(1, 7n));
        expect((await rows()).groups[0]?.memberIds).toEqual(new Set([user(1)]));
        await orgs().removeMember(org.id, user(1));
        await join(1);
        const { groups, members } = await rows();
        expect(groups[0]?.memberIds).toEqual(new Set());
        expect(members.find(({ userId }) => userId === user(1))?.limit).toBeUndefined();
      });
    });

    describe("resource groups", () => {
      test("have names of their own within an organization, and ids of 24 hex characters", async () => {
        const [lab, other] = [group("lab"), group("ops")];
        expect(lab.id).toMatch(/^[0-9a-f]{24}$/);
        expect(await orgs().addGroup(lab)).toBe("done");
        expect(await orgs().addGroup(group("lab"))).toBe("name_taken");
        expect(await orgs().addGroup(other)).toBe("done");
        expect(await orgs().renameGroup(org.id, other.id, "lab")).toBe("name_taken");
        expect(await orgs().renameGroup(org.id, other.id, "ops")).toBe("done");
        await orgs().setAccess(org.id, "groups", new Set([lab.id]));
        expect(
          (await rows()).groups.map(({ name, hasAccess }) => [name, hasAccess]).sort(),
        ).toEqual([
          ["lab", true],
          ["ops", false],
        ]);
        await orgs().removeGroup(org.id, lab.id);
        expect((await rows()).groups.map(({ name }) => name)).toEqual(["ops"]);
      });
    });

    describe("invitations", () => {
      const invitation = (i: number, facts: Partial<Invitation> = {}): Invitation => ({
        id: newId(),
        orgId: org.id,
        userId: user(i),
        role: "admin",
        invitedBy: user(0),
        createdAt: AT,
        expiresAt: AT + DAY,
        state: "pending",
        ...facts,
      });
      const answer = (i: number, id: string, accepts = true, now = AT) =>
        orgs(database, now).answerInvitation(user(i), id, accepts);

      test("make a member of whoever accepts, with the role they were promised, once", async () => {
        const made = invitation(1);
        expect(await orgs().invite(made)).toBe("done");
        expect(await orgs().invite(invitation(1))).toBe("already_invited");
        expect(await answer(2, made.id)).toBeUndefined();
        expect(await answer(1, "nothing")).toBeUndefined();
        const others = await Promise.all(Array.from({ length: CONNECTIONS }, another));
        const outcomes = await Promise.all(
          others.map((each) => orgs(each).answerInvitation(user(1), made.id, true)),
        );
        expect(outcomes.map((outcome) => outcome?.what).sort()).toEqual([
          ...Array.from({ length: CONNECTIONS - 1 }, () => "answered" as const),
          "done",
        ]);
        const { members } = await rows();
        expect(members.find(({ userId }) => userId === user(1))?.role).toBe("admin");
        expect(await orgs().invite(invitation(1))).toBe("already_member");
      });

      test("that expired, were declined or withdrawn make nobody a member", async () => {
        const made = invitation(1);
        await orgs().invite(made);
        expect((await answer(1, made.id, true, AT + DAY))?.what).toBe("expired");
        const next = invitation(1, { createdAt: AT + DAY, expiresAt: AT + 2 * DAY });
        expect(await orgs(database, AT + DAY).invite(next)).toBe("done");
        expect((await answer(1, next.id, false))?.invitation.state).toBe("declined");
        expect((await answer(1, next.id))?.what).toBe("answered");
        const last = invitation(1, { expiresAt: AT + 3 * DAY });
        await orgs(database, AT + 2 * DAY).invite(last);
        const wanted = { name: "zeta", plan: "team", seats: 1, anchorDay: 1, ownerId: undefined };
        const other = await registerOrganization(orgs(), wanted, AT);
        expect(await orgs().withdrawInvitation(other.id, last.id)).toBe(false);
        expect(await orgs().withdrawInvitation(org.id, last.id)).toBe(true);
        expect(await orgs().withdrawInvitation(org.id, last.id)).toBe(false);
        expect((await answer(1, last.id))?.what).toBe("answered");
        expect((await rows()).members).toHaveLength(1);
        expect(await orgs().invitationsOf(org.id)).toHaveLength(3);
        expect(await orgs().invitationsFor(user(1))).toHaveLength(3);
      });

      test("find no seat when all are taken, and may be accepted once there is one", async () => {
        const made = invitation(3);
        await orgs().invite(made);
        await join(1);
        await join(2);
        expect((await answer(3, made.id))?.what).toBe("no_seat");
        await orgs().setSeats(org.id, 4);
        expect((await answer(3, made.id))?.what).toBe("done");
      });
    });

    describe("limits", () => {
      /** A request of a member's, billed to the organization and perhaps a group, that was charged. */
      const spend = async (id: string, i: number, amount: bigint, at = AT, groupId = "") => {
        await take("a", amount);
        const account = `grant:${funds}:plan:2026-01`;
        await store.applySettlements(
          batchOf("a", [
            settlementOf(id, { [account]: amount }, { at, payer: funds, groupId, userId: user(i) }),
          ]),
        );
      };
      const orgLimit = () => `org-limit:${org.id}`;
      const memberLimit = (i: number) => `member:${org.id}:${user(i)}`;

      test("open each calendar month, and are there for those only who have one", async () => {
        const lab = group("lab");
        await orgs().addGroup(lab);
        await limit({
          org: nanoUsd(90n),
          ...forMember(0, 40n),
          groups: new Map([[lab.id, nanoUsd(60n)]]),
        });
        const buckets = [orgLimit(), memberLimit(0), `group:${lab.id}`, memberLimit(1)];
        for (const now of [AT, FEBRUARY]) {
          const found = await Promise.all(buckets.map((bucket) => left(bucket, now)));
          expect(found).toEqual([90n, 40n, 60n, 0n]);
        }
        const accounts = await database.db.selectFrom("accounts").select("id").execute();
        expect(accounts.map(({ id }) => id)).toContain(`limit:${orgLimit()}:2026-02`);
        expect(accounts.filter(({ id }) => id.includes(memberLimit(1)))).toEqual([]);
      });

      test("that are set in the middle of a month count what was spent in it", async () => {
        const lab = group("lab");
        await orgs().addGroup(lab);
        await join(1);
        await spend("r1", 0, 30n, AT, lab.id);
        await spend("r2", 1, 50n);
        await spend("r3", 1, 7n, AT - 40 * DAY);
        await limit({ org: nanoUsd(90n), groups: new Map([[lab.id, nanoUsd(45n)]]) });
        await limit(forMember(0, 100n));
        await limit(forMember(1, 20n));
        expect(await left(orgLimit())).toBe(10n);
        expect(await left(`group:${lab.id}`)).toBe(15n);
        expect(await left(memberLimit(0))).toBe(70n);
        // More was spent than the limit: nothing is left, and nothing is owed.
        expect(await left(memberLimit(1))).toBe(0n);
        expect((await take("a", 5n, memberLimit(1))).slices).toEqual([]);
        await limit(forMember(1, 55n));
        expect(await left(memberLimit(1))).toBe(5n);
        await limit(forMember(1, 0n));
        expect(await left(memberLimit(1))).toBe(0n);
      });

      test("of a month count what a request from before its beginning was charged in it", async () => {
        await limit(forMember(0, 100n));
        expect(await left(memberLimit(0))).toBe(100n);
        await spend("r1", 0, 30n, FEBRUARY);
        expect(await left(memberLimit(0), FEBRUARY)).toBe(70n);
      });

      test("that were taken away count what was spent without them when they are set again", async () => {
        await limit(forMember(0, 100n));
        await take("a", 60n, memberLimit(0));
        await take("a", 60n);
        const debits = {
          [`grant:${funds}:plan:2026-01`]: 25n,
          [`limit:${memberLimit(0)}:2026-01`]: 25n,
        };
        const used = settlementOf("r1", debits, { payer: funds, userId: user(0) });
        await store.applySettlements(batchOf("a", [used]));
        await limit(forMember(0, null));
        await spend("r2", 0, 40n);
        // 35 of the old limit are still leased: they must not be what pays for the 40.
        await limit(forMember(0, 90n));
        await store.returnLease("a", new Map([[`limit:${memberLimit(0)}:2026-01`, nanoUsd(35n)]]));
        expect(await left(memberLimit(0))).toBe(25n);
        await limit(forMember(0, 90n));
        expect(await left(memberLimit(0))).toBe(25n);
      });

      test("at once with requests that hold on them are exact", async () => {
        const others = await Promise.all(Array.from({ length: CONNECTIONS }, another));
        const stores = others.map((each) => ledgerStore(each, PLANS));
        await limit(forMember(0, 100n));
        for (let round = 0; round < 4; round++) {
          await Promise.all([
            limit(forMember(0, BigInt(40 + round * 20))),
            ...stores.map((each, i) =>
              each.takeLease({
                node: `n${i}`,
                bucketId: memberLimit(0),
                need: nanoUsd(15n),
                isAll: false,
                isSparing: true,
                now: AT,
              }),
            ),
          ]);
        }
        const { left: all, leased } = await standing(store, memberLimit(0));
        expect(all).toBe(100n);
        expect(leased).toBeLessThanOrEqual(100n);
      });

      test("ask back what is leased, in the same breath as they are changed", async () => {
        const feed = changeFeed(database);
        const seen = await feed.latest();
        await limit(forMember(0, 5n));
        await limit(forMember(0, 5n));
        const told = (await feed.since(seen)).map(({ topic, key }) => [topic, key]);
        expect(told).toEqual([
          ["lowered", memberLimit(0)],
          ["org", org.id],
          ["org", org.id],
        ]);
      });
    });

    test("an organization is found with everything that is its own, and nothing of another", async () => {
      const wanted = { name: "zeta", plan: "team", seats: 1, anchorDay: 9, ownerId: user(3) };
      const other = await registerOrganization(orgs(), wanted, AT);
      const key = { orgId: org.id, provider: "acme", sealed: "s", mask: "…", createdAt: AT };
      await orgs().putProviderKey(key);
      await orgs().putProviderKey({ ...key, sealed: "newer" });
      await orgs().setDisabledProviders(org.id, ["groq", "together"]);
      await orgs().setTerms(org.id, { plan: "pro", spendingLimit: nanoUsd(9n) });
      await limit({ org: nanoUsd(3n) });
      expect(await rows()).toEqual({
        organizations: [
          {
            ...org,
            plan: "pro",
            spendingLimit: nanoUsd(9n),
            limit: nanoUsd(3n),
            disabledProviders: ["groq", "together"],
          },
        ],
        members: [member(0, "owner")],
        groups: [],
        providerKeys: [{ ...key, sealed: "newer" }],
      });
      expect((await orgs().loadAll()).organizations).toHaveLength(2);
      expect(await orgs().findByName("zeta")).toEqual(other);
      expect(await orgs().findByName("ada")).toBeUndefined();
      expect(await orgs().deleteProviderKey(org.id, "acme")).toBe(true);
      expect(await orgs().deleteProviderKey(org.id, "acme")).toBe(false);
      await store.grant(grantOf(`org:${other.id}`, 11n));
      expect(await left(`org:${other.id}`)).toBe(211n);
    });
  });
}
