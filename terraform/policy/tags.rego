# Everything says what it belongs to.
package main

import rego.v1

default required_tags := ["Project", "Environment", "ManagedBy"]

required_tags := data.slipway.required_tags

# tags_all: the resource's own tags over the provider's default_tags.
findings contains finding("tags", resource, sprintf("it has no %s (best given once, in the provider's default_tags)", [concat(", ", missing)])) if {
	some resource in planned
	"tags_all" in object.keys(resource.change.after)
	not unknown(resource, "tags_all")
	missing := [tag | some tag in required_tags; trim_space(object.get(tags_of(resource), tag, "")) == ""]
	count(missing) > 0
}

tags_of(resource) := tags if {
	tags := resource.change.after.tags_all
	tags != null
} else := {}

# Groups hand their own tags to the instances that they start, and know nothing of default_tags.
findings contains finding("tags", resource, sprintf("its instances get no %s (tag blocks with propagate_at_launch)", [concat(", ", missing)])) if {
	some resource in planned
	resource.type == "aws_autoscaling_group"
	not unknown(resource, "tag")
	handed_on := {block.key |
		some block in blocks(resource.change.after, "tag")
		block.propagate_at_launch == true
	}
	missing := [tag | some tag in required_tags; not tag in handed_on]
	count(missing) > 0
}
