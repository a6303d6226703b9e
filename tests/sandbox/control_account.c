#include <string.h>

#include "control.h"
#include "metrics.h"
#include "sv/json.h"

/* What the control port sets of an account: its state, its configuration sets, what IAM allows. */

void sb_control_account_get(struct sb_control *control)
{
    control->output = sb_account_json(&sb_control_store(control)->about);
}

void sb_control_account_post(struct sb_control *control)
{
    struct sv_errinfo info = {0};

    if (sb_account_set(&sb_control_store(control)->about, control->input, &info) != SV_OK)
        sb_control_refuse(control, 400, info.text);
    else
        sb_control_account_get(control);
}

void sb_control_sets_get(struct sb_control *control)
{
    const struct sb_account *about = &sb_control_store(control)->about;

    control->output = json_incref(about->configuration_sets);
}

/* /configuration-sets/NAME makes one; it may be there already. */
void sb_control_sets_post(struct sb_control *control)
{
    struct sb_account *about = &sb_control_store(control)->about;

    if (control->name == NULL || !sb_configuration_set_is_valid(control->name))
        sb_control_refuse(control, 400, "not the name of a configuration set");
    else if (!sb_account_has_set(about, control->name))
        sv_json_append(about->configuration_sets, json_string(control->name));
}

/* Identities keep the name of a set that is gone, as at AWS. */
void sb_control_sets_delete(struct sb_control *control)
{
    json_t *sets = sb_control_store(control)->about.configuration_sets;

    for (size_t i = 0; control->name != NULL && i < json_array_size(sets); i++) {
        if (strcmp(json_string_value(json_array_get(sets, i)), control->name) == 0) {
            (void)json_array_remove(sets, i);
            return;
        }
    }
    sb_control_refuse(control, 404, "no such configuration set");
}

void sb_control_permissions_get(struct sb_control *control)
{
    control->output = json_incref(control->sandbox->permissions.keys);
}

void sb_control_permissions_post(struct sb_control *control)
{
    struct sv_errinfo info = {0};

    if (sb_permissions_set(&control->sandbox->permissions, sb_control_account(control),
                           control->input, &info) != SV_OK)
        sb_control_refuse(control, 400, info.text);
    else
        sb_control_permissions_get(control);
}

void sb_control_permissions_delete(struct sb_control *control)
{
    json_object_clear(control->sandbox->permissions.keys);
}

void sb_control_givers_post(struct sb_control *control)
{
    struct sv_errinfo info = {0};

    if (sb_givers_set(&control->sandbox->givers, control->input, &info) != SV_OK)
        sb_control_refuse(control, 400, info.text);
}

void sb_control_metrics_get(struct sb_control *control)
{
    control->output = json_incref(sb_control_store(control)->about.metrics);
}

void sb_control_metrics_post(struct sb_control *control)
{
    struct sv_errinfo info = {0};

    if (sb_metrics_set(&sb_control_store(control)->about, control->input, &info) != SV_OK)
        sb_control_refuse(control, 400, info.text);
}

void sb_control_metrics_delete(struct sb_control *control)
{
    json_object_clear(sb_control_store(control)->about.metrics);
}

void sb_control_recommendations_get(struct sb_control *control)
{
    control->output = json_incref(sb_control_store(control)->about.recommendations);
}

void sb_control_recommendations_post(struct sb_control *control)
{
    struct sv_errinfo info = {0};

    if (sb_recommendations_set(sb_control_store(control), control->input,
                               sb_clock_virtual(&control->sandbox->clock), &info) != SV_OK)
        sb_control_refuse(control, 400, info.text);
}
