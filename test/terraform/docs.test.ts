import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { filled, tablesOf } from '../../scripts/terraform-docs.ts';
import { readSchema } from '../../scripts/terraform-schema.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'slipway-docs-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const tables = (text: string) => {
  writeFileSync(join(folder, 'main.tf'), text);
  return tablesOf(folder);
};

describe('the tables of a README', () => {
  test('what is required comes first, and an expression over lines is one', () => {
    expect(
      tables(`variable "size" {
  description = "Small | large"
  type        = string
  default     = "small"

  validation {
    condition     = contains(["small", "large"], var.size)
    error_message = "size must be small or large."
  }
}

variable "zones" {
  description = <<-EOT
    Zones, by name:
    two at least
  EOT
  type = map(object({
    # the range
    cidr   = string
    public = optional(bool, false)
  }))
}

variable "token" {
  description = "Token"
  type        = string
  sensitive   = true
  default     = null
}
`),
    ).toBe(`| Variable | What it is | Type | Default |
| --- | --- | --- | --- |
| \`zones\` | Zones, by name: two at least | \`map(object({ cidr = string, public = optional(bool, false) }))\` | **required** |
| \`size\` | Small \\| large | \`string\` | \`"small"\` |
| \`token\` | Token (sensitive) | \`string\` | \`null\` |`);
  });

  test('versions, outputs and resources', () => {
    expect(
      tables(`terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source = "hashicorp/aws"
      # a reason
      version = ">= 6.4"
    }
  }
}

resource "aws_vpc" "one" {}

resource "aws_vpc" "two" {
  cidr_block = "10.0.0.0/16"
}

output "id" {
  description = "The VPC's id"
  value       = aws_vpc.two.id
}
`),
    ).toBe(`Needs Terraform \`>= 1.11\`, \`hashicorp/aws\` \`>= 6.4\`.

| Output | What it is |
| --- | --- |
| \`id\` | The VPC's id |

Creates: \`aws_vpc\`.`);
  });

  test('stand between the marks, and nothing else is touched', () => {
    tables('output "id" {\n  description = "Id"\n  value = 1\n}\n');
    const readme = '# Title\n<!-- terraform-docs -->\nold\n<!-- /terraform-docs -->\nend\n';
    expect(filled(readme, folder)).toMatch(
      /^# Title\n<!-- terraform-docs -->\n[\s\S]*\| `id` \| Id \|\n<!-- \/terraform-docs -->\nend\n$/,
    );
    expect(filled('# Title\n', folder)).toBeUndefined();
  });
});

describe('a schema, read from generated bindings', () => {
  const SOURCE = `
export function thingRuleToHclTerraform(struct?: ThingRule): any {
  const attrs = {
    port: {
      value: cdktf.numberToHclTerraform(struct!.port),
      isBlock: false,
      type: "simple",
      storageClassType: "number",
    },
  };
}

export class ThingRuleOutputReference extends cdktf.ComplexObject {
  // port - computed: false, optional: false, required: true
  private _port?: number; 
  public get port() {
    return this.getNumberAttribute('port');
  }
  // seen - computed: true, optional: false, required: false
  public get seen() {
    return this.getBooleanAttribute('seen');
  }
}

export class ThingRuleList extends cdktf.ComplexList {
}

export class Thing extends cdktf.TerraformResource {
  // arns - computed: true, optional: false, required: false
  public get arns() {
    return cdktf.Fn.tolist(this.getListAttribute('arns'));
  }
  // name - computed: false, optional: false, required: true
  private _name?: string; 
  public get name() {
    return this.getStringAttribute('name');
  }
  // tags - computed: true, optional: true, required: false
  private _tags?: { [key: string]: string }; 
  public get tags() {
    return this.getStringMapAttribute('tags');
  }
  // rule - computed: false, optional: true, required: false
  private _rule = new ThingRuleList(this, "rule", true);
  public get rule() {
    return this._rule;
  }
  // one - computed: false, optional: false, required: true
  private _one = new ThingRuleOutputReference(this, "one");
  public get one() {
    return this._one;
  }
  // shown - computed: true, optional: false, required: false
  private _shown = new ThingRuleList(this, "shown", false);
  public get shown() {
    return this._shown;
  }
  protected synthesizeHclAttributes(): { [name: string]: any } {
    const attrs = {
      name: {
        value: cdktf.stringToHclTerraform(this._name),
        isBlock: false,
        type: "simple",
        storageClassType: "string",
      },
      tags: {
        value: cdktf.hashMapperHcl(cdktf.stringToHclTerraform)(this._tags),
        isBlock: false,
        type: "map",
        storageClassType: "stringMap",
      },
      rule: {
        value: cdktf.listMapperHcl(thingRuleToHclTerraform, true)(this._rule.internalValue),
        isBlock: true,
        type: "set",
        storageClassType: "ThingRuleList",
      },
      one: {
        value: thingRuleToHclTerraform(this._one.internalValue),
        isBlock: true,
        type: "list",
        storageClassType: "ThingRuleList",
      },
    };
  }
}
`;
  const rule = { attributes: { port: ['number', 'r'], seen: ['bool', 'c'] } };

  test('presence, types, and blocks with how many there may be', () => {
    expect(readSchema(SOURCE, 'Thing')).toEqual({
      attributes: {
        arns: [['set', 'string'], 'c'],
        name: ['string', 'r'],
        tags: [['map', 'string'], 'oc'],
        shown: [['list', ['object', { port: 'number', seen: 'bool' }]], 'c'],
      },
      blocks: {
        rule: { nesting: 'set', ...rule },
        one: { nesting: 'list', min: 1, max: 1, ...rule },
      },
    });
  });

  test('what cannot be read is an error, and no guess', () => {
    expect(() => readSchema(SOURCE, 'Other')).toThrow('no class Other');
    expect(() => readSchema(SOURCE.replaceAll('"stringMap"', '"oddMap"'), 'Thing')).toThrow(
      'tags: what is stored as oddMap',
    );
    expect(() => readSchema(SOURCE.replace('"stringMap"', '"any"'), 'Thing')).toThrow('recursive');
  });
});
